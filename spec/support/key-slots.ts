const SLOTS = 16_384;

/** The slot of a key without a hash tag: its CRC16 (XMODEM) modulo the number of slots. */
export function slotOf(key: string): number {
  let crc = 0;
  for (const byte of Buffer.from(key)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return (crc & 0xffff) % SLOTS;
}

/** One key for every slot, at the slot's index; different for each prefix. */
export function keyForEachSlot(prefix: string): string[] {
  const keys: string[] = [];
  let found = 0;
  for (let number = 0; found < SLOTS; number += 1) {
    const key = `${prefix}${number}`;
    const slot = slotOf(key);
    if (keys[slot] !== undefined) continue;
    keys[slot] = key;
    found += 1;
  }
  return keys;
}
