import { expect } from 'chai';
import { azCommands, azureTarget } from '../../doctor/azure.js';

const OBJECT_ID = 'd914b123-4f5c-4b8f-9c1a-7f5ce2d4c111';

describe('the commands of the Azure CLI in findings', () => {
  it('name the cache, by its host', () => {
    const az = azCommands(azureTarget('my-cache.redis.cache.windows.net', undefined));
    expect(az.disablePlainPort).to.equal(
      'az redis update --resource-group my-group --name my-cache --set enableNonSslPort=false',
    );
  });

  it('name an assignment of Azure Managed Redis by letters and digits, as the Azure CLI demands', () => {
    const az = azCommands(azureTarget('my-cache.westeurope.redis.azure.net', undefined));
    expect(az.assignAccess(OBJECT_ID))
      .to.match(/--access-policy-assignment-name [A-Za-z0-9]+ /)
      .and.include(`--object-id ${OBJECT_ID}`);
    expect(az.assignAccess()).to.include('--object-id $OBJECT_ID');
  });

  it('quote the parts of a resource id for the shell', () => {
    const id = "/subscriptions/s/resourceGroups/a'; reboot;'/providers/Microsoft.Cache/redis/c";
    const az = azCommands(azureTarget('localhost', id));
    expect(az.show).to.equal(String.raw`az redis show --resource-group 'a'\''; reboot;'\''' --name c`);
    expect(az.listPrivateEndpoints).to.include(
      String.raw`--id '/subscriptions/s/resourceGroups/a'\''; reboot`,
    );
  });
});
