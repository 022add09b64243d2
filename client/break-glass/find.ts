/** The papers of an operation, and the way to both its databases, with neither Temporal nor the ledger: the papers say where, the fleet file as whom. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { BreakGlassPapers, PaperSide } from '../../contracts/break-glass'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry, SecretRef } from '../../contracts/fleet'
import type { OperationId } from '../../contracts/operation'
import { findPapers, readPapers } from '../../postgres/break-glass/keep'
import type { Reach, Role, SideName } from '../../postgres/break-glass/sides'
import { connect, refusePooler } from '../../postgres/connect/session'
import { enterKeyhole } from '../../postgres/fence/keyhole'
import { errorCode } from '../environment'
import { findDatabase, type LoadedFleet } from '../fleet/read-fleet'
import { shownInput } from '../shown-input'

const NAME = 'capstan break-glass'

type ResolveSecret = (ref: SecretRef) => Promise<string>

/** Where a side answers, as `shop@10.0.0.1:5432`: the name is the fleet file's. */
export interface From {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Null: it is none. */
export function parseFrom(text: string): From | null {
  const [, name, bracketed, plain, digits] =
    /^([a-z][a-z0-9-]*)@(?:\[([0-9A-Fa-f:.]+)\]|([\p{L}\p{N}._-]+)):([0-9]{1,5})$/u.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return name === undefined || host === undefined || port < 1 || port > 65_535 ? null : { name, host, port }
}

export interface WhichPapers {
  /** Null: the newest. */
  readonly operation: OperationId | null
  /** A file; null: none was named. */
  readonly file: string | null
  readonly from: From | null
  /** The worker's folder of papers, where it is on this machine. */
  readonly folder: string | null
}

/** Fails with OPTION_INVALID, OPERATION_UNKNOWN where none are found, and as connecting does. */
export async function findThePapers(
  { operation, file, from, folder }: WhichPapers,
  fleet: LoadedFleet,
  resolveSecret: ResolveSecret,
): Promise<BreakGlassPapers> {
  const found =
    file !== null
      ? await fromFile(file)
      : from !== null
        ? await fromKeyhole(from, operation, { entry: findDatabase(fleet, from.name), resolveSecret })
        : await fromFolder(folder, operation)
  if (operation === null || found.operation === operation) return found
  throw failure('OPTION_INVALID', `These papers are of ${found.operation}, and not of ${operation}: name others.`, {
    operation,
    found: found.operation,
  })
}

async function fromFile(file: string): Promise<BreakGlassPapers> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw failure('OPTION_INVALID', `The papers ${file} cannot be read (${errorCode(error)}); name others with --papers.`, {
      option: 'papers',
      file,
    })
  })
  try {
    return readPapers(JSON.parse(text))
  } catch (cause) {
    throw failure(
      'OPTION_INVALID',
      `${file} holds no papers that this version of Capstan can go on by; name others with --papers.`,
      { option: 'papers', file },
      { cause },
    )
  }
}

async function fromFolder(folder: string | null, operation: OperationId | null): Promise<BreakGlassPapers> {
  if (operation === null || folder === null) throw nowhere()
  try {
    return readPapers(JSON.parse(await readFile(path.join(folder, `${operation}.json`), 'utf8')))
  } catch (cause) {
    const message = `There are no papers of ${operation} in ${folder}: name a file with --papers, or either instance with --from NAME@HOST:PORT.`
    throw failure('OPERATION_UNKNOWN', message, { operation }, { cause })
  }
}

function nowhere(): Error {
  const message =
    'No papers are named: give the operation with CAPSTAN_PAPERS set to the worker’s folder, --papers FILE, or --from NAME@HOST:PORT, where either instance of the pair answers.'
  return failure('OPTION_INVALID', message, { option: 'papers' })
}

async function fromKeyhole(
  { name, host, port }: From,
  operation: OperationId | null,
  { entry, resolveSecret }: { readonly entry: DatabaseEntry; readonly resolveSecret: ResolveSecret },
): Promise<BreakGlassPapers> {
  const { user, secret, tls } = entry.connections.admin
  const password = await resolveSecret(secret)
  const keyhole = await enterKeyhole((database) => connect({ host, port, database, user, password, tls, applicationName: NAME }))
  const papers = keyhole === null ? null : await findPapers(keyhole, operation).finally(() => keyhole.close())
  if (papers !== null) return papers
  const which = operation === null ? 'no papers' : `no papers of ${operation}`
  throw failure('OPERATION_UNKNOWN', `${name} at ${host}:${port} holds ${which}: nothing was about to be closed there.`, {
    host,
    port,
  })
}

/** Secrets are resolved before anything is changed. Fails with OPTION_INVALID where the fleet file has another pair under these names, and as resolving does. */
export async function reachOf(papers: BreakGlassPapers, fleet: LoadedFleet, resolveSecret: ResolveSecret): Promise<Reach> {
  const source = await sideOf(papers.sides.source, fleet, resolveSecret)
  const sides: Readonly<Record<SideName, ReachedSide>> = {
    source,
    standby: await sideOf(papers.sides.standby, fleet, resolveSecret),
  }
  return async ({ side, role, database, applicationName }) => {
    const { at, logins } = sides[side]
    const session = await connect({ host: at.host, port: at.port, database, applicationName, ...logins[role] })
    try {
      refusePooler(session)
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }
}

interface ReachedSide {
  readonly at: PaperSide
  readonly logins: Readonly<
    Record<Role, { readonly user: string; readonly password: string; readonly tls: DatabaseEntry['connections']['admin']['tls'] }>
  >
}

async function sideOf(at: PaperSide, fleet: LoadedFleet, resolveSecret: ResolveSecret): Promise<ReachedSide> {
  const entry = findDatabase(fleet, at.name)
  if (entry.database !== at.database || entry.instance !== at.instance) {
    const message = `The papers say that ${at.name} is database ${shownInput(at.database)} of ${shownInput(at.instance)}, and the fleet file says ${entry.database} of ${entry.instance}: give the fleet file of that time with --fleet.`
    throw failure('OPTION_INVALID', message, { option: 'fleet', database: at.name })
  }
  const login = async (role: Role) => {
    const { user, secret, tls } = entry.connections[role]
    return { user, tls, password: await resolveSecret(secret) }
  }
  return { at, logins: { admin: await login('admin'), migrator: await login('migrator') } }
}
