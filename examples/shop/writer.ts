/** The shop's traffic: short transactions from the application's own address, each acknowledged commit written to a journal and
 *  flushed to disk before it counts. So afterwards the journal says exactly what customers were promised. A commit that broke
 *  while it was under way is in doubt: written down as such, promised to nobody.
 *
 *  Prints one line of JSON a second; ends on SIGTERM or SIGINT with a last line that has `"done": true`. */
import { type FileHandle, open } from 'node:fs/promises'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Client, type ClientConfig } from 'pg'

const RECONNECT_MS = 100
/** The product that every order takes: its row is the hot one. */
const HOT_PRODUCT = 1

interface Settings {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly sourceAddress: string
  readonly journal: string
  readonly connections: number
  readonly commitsPerSecond: number
}

/** Since the start; rates and the longest since the last line. */
interface Counts {
  acknowledged: number
  inDoubt: number
  errors: number
  longestMs: number
}

/** Lines are gathered while a flush runs, so that many commits share one. */
class Journal {
  readonly #file: FileHandle
  #lines: string[] = []
  #flushing: Promise<void> = Promise.resolve()

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** Resolves once the line is on disk. */
  append(line: string): Promise<void> {
    this.#lines.push(line)
    if (this.#lines.length === 1) this.#flushing = this.#flushing.then(() => this.#flush())
    return this.#flushing
  }

  async #flush(): Promise<void> {
    const text = this.#lines.join('')
    this.#lines = []
    await this.#file.appendFile(text)
    await this.#file.datasync()
  }
}

async function main(): Promise<void> {
  const settings = readSettings()
  const file = await open(settings.journal, 'a', 0o600)
  const journal = new Journal(file)
  const counts: Counts = { acknowledged: 0, inDoubt: 0, errors: 0, longestMs: 0 }
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => ending.abort())
  const report = setInterval(() => say(counts, false), 1_000)
  const shoppers = Array.from({ length: settings.connections }, () => shop(settings, journal, counts, ending.signal))
  await Promise.all(shoppers)
  clearInterval(report)
  await file.close()
  say(counts, true)
}

/** One customer's session after another, until told to end. Reconnects whatever happens. */
async function shop(settings: Settings, journal: Journal, counts: Counts, ending: AbortSignal): Promise<void> {
  const paceMs = (1_000 * settings.connections) / settings.commitsPerSecond
  while (!ending.aborted) {
    const client = new Client(clientConfig(settings))
    client.on('error', () => undefined)
    try {
      await client.connect()
      while (!ending.aborted) {
        const since = performance.now()
        await placeOrder(client, journal, counts)
        counts.longestMs = Math.max(counts.longestMs, performance.now() - since)
        await sleep(Math.max(0, paceMs - (performance.now() - since)))
      }
    } catch {
      counts.errors += 1
      await sleep(RECONNECT_MS)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

async function placeOrder(client: Client, journal: Journal, counts: Counts): Promise<void> {
  await client.query('BEGIN')
  const userId = 1 + Math.floor(Math.random() * 20_000)
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO orders (user_id, total) SELECT $1, price FROM products WHERE id = $2 RETURNING id`,
    [userId, HOT_PRODUCT],
  )
  const id = rows[0]?.id
  if (id === undefined) throw new Error('the shop has no product to order')
  await client.query('UPDATE inventory SET on_hand = on_hand - 1, sold = sold + 1, changed_at = now() WHERE product_id = $1', [
    HOT_PRODUCT,
  ])
  try {
    await client.query('COMMIT')
  } catch (error) {
    counts.inDoubt += 1
    await journal.append(`? ${id}\n`)
    throw error
  }
  await journal.append(`${id}\n`)
  counts.acknowledged += 1
}

/** From the application's address, which the security group knows. */
class FromAddress extends Socket {
  readonly #localAddress: string
  constructor(localAddress: string) {
    super()
    this.#localAddress = localAddress
  }
  override connect(...args: unknown[]): this {
    const [port, host] = args
    if (typeof port !== 'number' || typeof host !== 'string') throw new Error('expected a port and a host')
    return super.connect({ port, host, localAddress: this.#localAddress })
  }
}

function clientConfig(settings: Settings): ClientConfig {
  const { host, port, database, user, password, sourceAddress } = settings
  const application_name = 'shop'
  return { host, port, database, user, password, application_name, stream: () => new FromAddress(sourceAddress) }
}

function say(counts: Counts, done: boolean): void {
  const { acknowledged, inDoubt, errors, longestMs } = counts
  process.stdout.write(`${JSON.stringify({ done, acknowledged, inDoubt, errors, longestMs: Math.round(longestMs) })}\n`)
  counts.longestMs = 0
}

function readSettings(): Settings {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: { host: text, port: text, source: text, journal: text, connections: text, rate: text },
  })
  const need = (name: string, value: string | undefined): string => {
    if (value === undefined || value === '') throw new Error(`${name} is missing`)
    return value
  }
  return {
    host: need('--host', values.host),
    port: Number(need('--port', values.port)),
    database: 'shop',
    user: 'shop_app',
    password: need('SHOP_APP_PASSWORD', process.env.SHOP_APP_PASSWORD),
    sourceAddress: need('--source', values.source),
    journal: need('--journal', values.journal),
    connections: Number(values.connections ?? 4),
    commitsPerSecond: Number(values.rate ?? 400),
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  },
)
