/** One writer of the bank: transfers, each upon the one before; every few of them turn the ring as well. A commit counts once its acknowledgement is in the
 *  journal, and its intent was there before COMMIT was sent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Chance, chanceOf } from '../chance'
import type { Sent } from '../history'
import { ACCOUNTS, NODES } from '../schema'
import { type ClientConnection, type Login, openConnection } from './connection'
import { type Journal, now } from './journal'

export interface WriterConfig {
  readonly login: Login
  /** Of this run alone. */
  readonly name: string
  /** Commits are acknowledged before they are on the disk. */
  readonly asynchronous: boolean
  readonly seed: number
}

const ITSELF = '(SELECT system_identifier::text FROM pg_control_system())'
const ARRIVE = 'INSERT INTO public.clients (writer, last) VALUES ($1, 0) ON CONFLICT (writer) DO NOTHING'
const RESUME = `SELECT last::int AS last, ${ITSELF} AS server FROM public.clients WHERE writer = $1`
/** Inserts nothing where the writer's last was another. */
const PAY = `WITH client AS (UPDATE public.clients SET last = $3 WHERE writer = $2 AND last = $3 - 1 RETURNING writer),
     paid AS (UPDATE public.accounts SET balance = balance + CASE id WHEN $4 THEN -$6::bigint ELSE $6::bigint END
               WHERE id IN ($4, $5) AND EXISTS (SELECT FROM client) RETURNING id)
  INSERT INTO public.transfers (ticket, key, writer, seq, payer, payee, amount, server)
  SELECT nextval('public.tickets'), $1, $2, $3, $4, $5, $6, ${ITSELF} FROM client RETURNING id::int AS id, ticket::int AS ticket, server`
/** Of four in a row the two in the middle change places. One at a time, so that nobody waits for who waits for him. */
const ALONE = 'SELECT pg_advisory_xact_lock(20271)'
const TURN = `WITH a AS (SELECT node, next FROM public.ring WHERE node = $1), b AS (SELECT r.node, r.next FROM public.ring r JOIN a ON r.node = a.next),
     c AS (SELECT r.node, r.next FROM public.ring r JOIN b ON r.node = b.next)
  UPDATE public.ring r SET next = CASE r.node WHEN a.node THEN c.node WHEN b.node THEN c.next ELSE b.node END FROM a, b, c WHERE r.node IN (a.node, b.node, c.node)`
const TURNS_OF = 6
/** The mean. Where several runs share a machine CAPSTAN_BANK_REST_MS leaves room for what is tested: writers are calmer, and as many. */
const REST_MS = Number(process.env.CAPSTAN_BANK_REST_MS ?? 6)
const AWAY_MS = 20

export async function write(config: WriterConfig, journal: Journal, stopped: () => boolean): Promise<void> {
  const writer = new Writer(config, journal)
  while (!stopped()) await writer.once()
  writer.leave()
}

class Writer {
  #connection: ClientConnection | null = null
  #last = 0
  #acknowledged = 0
  #attempt = 0
  readonly #chance: Chance

  constructor(
    private readonly config: WriterConfig,
    private readonly journal: Journal,
  ) {
    this.#chance = chanceOf(config.seed)
  }

  /** One transaction, or one try to come in again. */
  async once(): Promise<void> {
    try {
      this.#connection ??= await this.#arrived()
    } catch {
      return void (await sleep(AWAY_MS))
    }
    await this.#pay(this.#connection)
    await sleep(REST_MS * 2 * this.#chance.share())
  }

  leave(): void {
    this.#connection?.drop()
    this.#connection = null
  }

  async #arrived(): Promise<ClientConnection> {
    const { login, name } = this.config
    const connection = await openConnection(login, `bank ${name}`)
    try {
      if (this.#last === 0) await connection.query(ARRIVE, [name])
      const { rows } = await connection.query(RESUME, [name])
      const [found] = rows as { last: number; server: string }[]
      this.#last = found?.last ?? 0
      const seen = { writer: name, last: found?.last ?? -1, acknowledged: this.#acknowledged, server: found?.server ?? 'nobody' }
      await this.journal.write({ is: 'resumed', ...seen })
      return connection
    } catch (error) {
      connection.drop()
      throw error
    }
  }

  async #pay(connection: ClientConnection): Promise<void> {
    const { name } = this.config
    this.#attempt += 1
    const seq = this.#last + 1
    const key = `${name}/${seq}.${this.#attempt}`
    let sent: Sent
    try {
      sent = await this.#written(connection, key, seq)
      await this.journal.write({ is: 'intent', key, writer: name, seq, sent })
    } catch {
      await this.journal.write({ is: 'failed', key, writer: name, seq })
      return this.leave()
    }
    const committed = await connection.query('COMMIT').catch(() => null)
    if (committed?.command === 'COMMIT') {
      await this.journal.write({ is: 'acknowledged', key, to: now() })
      this.#last = seq
      this.#acknowledged = seq
      return
    }
    await this.journal.write(committed === null ? { is: 'unknown', key, to: now() } : { is: 'failed', key, writer: name, seq })
    this.leave()
  }

  async #written(connection: ClientConnection, key: string, seq: number): Promise<Sent> {
    await connection.query(this.config.asynchronous ? 'BEGIN; SET LOCAL synchronous_commit = off' : 'BEGIN')
    if (this.#chance.below(TURNS_OF) === 0) {
      await connection.query(ALONE)
      await connection.query(TURN, [1 + this.#chance.below(NODES)])
    }
    const payer = 1 + this.#chance.below(ACCOUNTS)
    const payee = 1 + ((payer + this.#chance.below(ACCOUNTS - 1)) % ACCOUNTS)
    const values = [key, this.config.name, seq, payer, payee, 1 + this.#chance.below(9)]
    const [row] = (await connection.query(PAY, values)).rows as { id: number; ticket: number; server: string }[]
    if (row === undefined) throw new Error('what was sent before has taken effect meanwhile')
    return { ...row, from: now(), to: null }
  }
}
