import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** A user whose password was right. */
export interface User {
  readonly id: string;
  readonly displayName: string;
  readonly claims: Readonly<Record<string, string>>;
}

/** Who may sign in. Put the users of your application, or an identity provider, in place of `DemoUsers`. */
export interface Users {
  /** Resolves to `undefined` if the user does not exist or the password is wrong; both take the same time. */
  authenticate(name: string, password: string): Promise<User | undefined>;
}

interface StoredPassword {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const hashPassword = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** OWASP's Password Storage Cheat Sheet: 32 MB of memory for each attempt. Node.js permits 32 MB, without the overhead. */
const SCRYPT: ScryptOptions = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 };
const SALT_LENGTH = 16;
const HASH_LENGTH = 32;

/** Compared with in place of the password of a user who does not exist. No password has this hash. */
const NOBODYS: StoredPassword = { salt: randomBytes(SALT_LENGTH), hash: randomBytes(HASH_LENGTH) };

const PEOPLE: Readonly<Record<string, User>> = {
  ada: {
    id: 'user-1',
    displayName: 'Ada Lovelace',
    claims: { role: 'Administrator', department: 'Engines' },
  },
  grace: { id: 'user-2', displayName: 'Grace Hopper', claims: { role: 'Editor', department: 'Compilers' } },
};

/** Two users with the same password. */
export class DemoUsers implements Users {
  readonly names = Object.keys(PEOPLE);
  readonly #passwords: ReadonlyMap<string, StoredPassword>;

  private constructor(passwords: ReadonlyMap<string, StoredPassword>) {
    this.#passwords = passwords;
  }

  static async create(password: string): Promise<DemoUsers> {
    const entries = Object.keys(PEOPLE).map(async (name) => [name, await store(password)] as const);
    return new DemoUsers(new Map(await Promise.all(entries)));
  }

  async authenticate(name: string, password: string): Promise<User | undefined> {
    return (await matches(this.#passwords.get(name) ?? NOBODYS, password)) ? PEOPLE[name] : undefined;
  }
}

async function store(password: string): Promise<StoredPassword> {
  const salt = randomBytes(SALT_LENGTH);
  return { salt, hash: await hashPassword(password, salt, HASH_LENGTH, SCRYPT) };
}

async function matches({ salt, hash }: StoredPassword, password: string): Promise<boolean> {
  return timingSafeEqual(await hashPassword(password, salt, HASH_LENGTH, SCRYPT), hash);
}
