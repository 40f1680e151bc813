import { expect } from 'chai';
import { parseMaintenanceEvent } from '../../lib/multiplexer/maintenance-events.js';

describe('parseMaintenanceEvent', () => {
  it('parses all fields', () => {
    const message =
      'NotificationType|NodeMaintenanceStarting|StartTimeInUTC|2021-09-23T15:18:19|IsReplica|False|' +
      'IPAddress|13.67.42.199|SSLPort|15001|NonSSLPort|13001';
    expect(parseMaintenanceEvent(message)).to.deep.equal({
      type: 'NodeMaintenanceStarting',
      startTime: new Date('2021-09-23T15:18:19Z'),
      isReplica: false,
      address: '13.67.42.199',
      sslPort: 15001,
      nonSslPort: 13001,
      message,
    });
  });

  it('omits missing and invalid fields', () => {
    const message =
      'NotificationType|NodeMaintenanceStart|StartTimeInUTC||IsReplica|True|IPAddress||SSLPort|x|NonSSLPort|13001';
    expect(parseMaintenanceEvent(message)).to.deep.equal({
      type: 'NodeMaintenanceStart',
      isReplica: true,
      nonSslPort: 13001,
      message,
    });
  });

  it('accepts the names of older servers', () => {
    const event = parseMaintenanceEvent('NotificationType|NodeMaintenanceFailover|IsReplica|False');
    expect(event?.type).to.equal('NodeMaintenanceFailoverComplete');
  });

  it('ignores unknown fields', () => {
    const event = parseMaintenanceEvent('NotificationType|NodeMaintenanceEnded|Weather|fine|SSLPort|15000');
    expect(event).to.include({ type: 'NodeMaintenanceEnded', sslPort: 15000 });
  });

  it('returns an unknown type with the message', () => {
    const event = parseMaintenanceEvent('NotificationType|NodeMaintenancePostponed');
    expect(event).to.include({ type: 'Unknown', message: 'NotificationType|NodeMaintenancePostponed' });
  });

  for (const malformed of [
    '',
    '|',
    'hello',
    '1|2|3',
    'NotificationType',
    'NotificationType|',
    'SSLPort|15001',
  ]) {
    it(`ignores ${JSON.stringify(malformed)}`, () => {
      expect(parseMaintenanceEvent(malformed)).to.be.undefined;
    });
  }
});
