/** A server, and a copy of its files as a cloud's snapshot makes it: taken while it writes, recovered from its log at the first start. Pages of a
 *  copy that stands still can be damaged by hand. */
import { chmod, chown, cp, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ensureBinaries, type PostgresMajor } from '../../../../pgserver/binaries'
import { initCluster, type RunningServer, startServer } from '../../../../pgserver/cluster'
import { connect, type Session } from '../../../../postgres/connect/session'
import { cacheDir, freePort } from '../../support/server'

const PASSWORD = 'secret'
const PAGE_BYTES = 8_192

export class Instance {
  #server: RunningServer | null = null
  #port = 0
  readonly #sessions: Session[] = []

  private constructor(
    readonly major: PostgresMajor,
    readonly folder: string,
  ) {}

  /** A new one that runs, with a role `master` that is no superuser. */
  static async make(major: PostgresMajor): Promise<Instance> {
    const instance = await Instance.#empty(major)
    const binaries = await ensureBinaries({ major, cacheDir: cacheDir() })
    await initCluster({ binaries, dataDir: instance.#dataDir, superuser: 'postgres', password: PASSWORD })
    await instance.start()
    const session = await instance.session('postgres')
    await session.execute(`CREATE ROLE master LOGIN CREATEDB PASSWORD '${PASSWORD}'; ALTER DATABASE postgres OWNER TO master;
      ALTER SCHEMA public OWNER TO master`)
    return instance
  }

  static async #empty(major: PostgresMajor): Promise<Instance> {
    const folder = await mkdtemp(path.join(tmpdir(), `capstan-proof-${major}-`))
    await chmod(folder, 0o755)
    return new Instance(major, folder)
  }

  get #dataDir(): string {
    return path.join(this.folder, 'data')
  }

  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#port = await freePort()
    this.#server = await startServer({
      binaries: await ensureBinaries({ major: this.major, cacheDir: cacheDir() }),
      dataDir: this.#dataDir,
      hosts: ['127.0.0.1'],
      port: this.#port,
      logFile: path.join(this.folder, 'server.log'),
      settings: { fsync: 'off', autovacuum: 'off', ...settings },
    })
  }

  /** With everything in its files. */
  async stop(): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map((session) => session.close()))
    await this.#server?.stop('fast')
    this.#server = null
  }

  async remove(): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map((session) => session.close()))
    await this.#server?.stop('immediate')
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Closed with the server. */
  async session(user: 'postgres' | 'master'): Promise<Session> {
    const at = { host: '127.0.0.1', port: this.#port, database: 'postgres', applicationName: 'test' }
    const session = await connect({ ...at, user, password: PASSWORD })
    this.#sessions.push(session)
    return session
  }

  /** Not started yet; what the server commits until this resolves is in it. */
  async copy(): Promise<Instance> {
    const twin = await Instance.#empty(this.major)
    const session = await this.session('postgres')
    await session.query(`SELECT pg_backup_start('test', true)`)
    await cp(this.#dataDir, twin.#dataDir, { recursive: true, filter: (file) => !file.endsWith('postmaster.pid') })
    const [label] = await session.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)')
    await cp(path.join(this.#dataDir, 'pg_wal'), path.join(twin.#dataDir, 'pg_wal'), { recursive: true, force: true })
    await writeFile(path.join(twin.#dataDir, 'backup_label'), label?.labelfile ?? '')
    await giveTo(twin.#dataDir, await stat(this.#dataDir))
    return twin
  }

  /** The file of a relation, below the data folder. */
  async fileOf(relation: string): Promise<string> {
    const session = await this.session('postgres')
    const [row] = await session.query<{ file: string }>('SELECT pg_relation_filepath($1::regclass) AS file', [relation])
    return row?.file ?? ''
  }

  /** Turns all bits of one byte over; the server does not run. `fromEnd`: 1 is the page's last byte. */
  async flip(file: string, block: number, fromEnd: number): Promise<void> {
    if (this.#server !== null) throw new Error('the server runs')
    const handle = await open(path.join(this.#dataDir, file), 'r+')
    try {
      const at = (block + 1) * PAGE_BYTES - fromEnd
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at)
      await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 0xff]), 0, 1, at)
    } finally {
      await handle.close()
    }
  }
}

async function giveTo(folder: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true })) await chown(path.join(folder, entry), uid, gid)
  await chown(folder, uid, gid)
}
