/** What the lab asks of each simulated cloud in it, and what it gives it. */
import type { FastifyInstance } from 'fastify'
import type { Identities } from './access/identities'
import type { Addresses } from './addresses'
import type { CallLog } from './calls'
import type { Zone } from './dns/zone'
import type { FaultBook } from './faults/book'
import type { Fault } from './faults/fault'
import type { End, Listener } from './links/connections'
import type { Pace } from './profile'
import type { Authority } from './tls'

export interface SimulatedCloud {
  readonly name: string
  /** Its routes. The scope is its own: what it does with bodies and errors concerns nobody else. */
  serve(scope: FastifyInstance): void
  instances(): readonly InstanceStatus[]
  /** After a fault was ordered, or some were taken back: resolves when that holds. */
  faultsChanged(ordered?: Fault): Promise<void>
  /** Brings every instance back to what it should be; resolves when all servers that can run do. */
  resume(): Promise<void>
  /** Every running server learns the network rules and settings of now. */
  tellRules(): Promise<void>
  /** Of its DNS. */
  zones(): readonly Zone[]
  /** Those of its servers that run. */
  listeners(): readonly Listener[]
  /** Of a connection to one of its servers that the cloud itself hands on: the caller's own end, by the end of the lab's. */
  handedOn(local: string): End | undefined
  /** Kills an instance's server as a power cut would. False when there is no such instance. */
  crash(id: string): Promise<boolean>
  /** Removes everything that was made in it. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** As `capstan lab status` shows it. */
export interface InstanceStatus {
  readonly cloud: string
  readonly region: string
  readonly id: string
  readonly address: string
  readonly port: number
  /** The cloud's own word. */
  readonly state: string
  readonly engineVersion: string
  /** Of its PostgreSQL; null when that does not run, or the system does not say. */
  readonly memoryBytes: number | null
}

/** What is the same for every cloud of a lab. */
export interface CloudGround {
  readonly faults: FaultBook
  readonly calls: CallLog
  /** Who may call beside the lab's owner, and what. */
  readonly identities: Identities
  readonly addresses: Addresses
  readonly pace: Pace
  /** For this cloud alone. */
  readonly stateDir: string
  readonly cacheDir: string
  readonly block: string
  readonly dataPort: number
  /** The lab's own address: its administrator connects from nowhere else. */
  readonly apiAddress: string
  readonly administratorPassword: string
  /** Certifies the lab's servers. */
  authority(): Promise<Authority>
  /** Resolves when the state is on disk: an answer is only given after that. */
  save(): Promise<void>
  /** Resolves when what can be seen now is on disk. */
  saved(): Promise<void>
  log(line: string): void
}
