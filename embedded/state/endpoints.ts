/** How the command line finds a running embedded default: `<dist>/embedded.json` names the state folder, and that folder's
 *  `endpoints.json` (its owner's alone: it holds the ledger's password and the lab's token) says where everything listens. One that has its
 *  state where CAPSTAN_STATE_DIR says is not pointed at: whoever means it sets the same variable. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lockOwner } from '../../pgserver/lock-file'

export interface Endpoints {
  readonly version: 1
  readonly temporal: { readonly address: string; readonly namespace: string; readonly uiUrl: string | null }
  readonly ledgerUrl: string
  readonly fleet: string
  readonly labApi: string
  /** What `/_lab` asks for; null for a lab that asks for nothing. */
  readonly labToken: string | null
  readonly stateDir: string
}

export function publishEndpoints(endpoints: Endpoints): void {
  replace(join(endpoints.stateDir, 'endpoints.json'), endpoints)
}

/** Makes the command line find this one, unless another user's of this clone is running. */
export function pointTo(clone: string, stateDir: string): void {
  const found = pointedAt(clone)
  const other = found !== null && found !== stateDir && lockOwner(join(found, 'lock')) !== null
  if (!other) replace(pointer(clone), { stateDir })
}

export function forgetPointer(clone: string, stateDir: string): void {
  if (pointedAt(clone) === stateDir) rmSync(pointer(clone), { force: true })
}

const pointer = (clone: string): string => join(clone, 'dist', 'embedded.json')

function pointedAt(clone: string): string | null {
  try {
    const { stateDir } = JSON.parse(readFileSync(pointer(clone), 'utf8')) as { stateDir?: unknown }
    return typeof stateDir === 'string' ? stateDir : null
  } catch {
    return null
  }
}

/** Once everything has stopped: nobody is sent to a port where nobody listens. */
export function withdrawEndpoints(stateDir: string): void {
  rmSync(join(stateDir, 'endpoints.json'), { force: true })
}

export function readEndpoints(stateDir: string): Endpoints | null {
  try {
    return JSON.parse(readFileSync(join(stateDir, 'endpoints.json'), 'utf8')) as Endpoints
  } catch {
    return null
  }
}

function replace(file: string, document: unknown): void {
  writeFileSync(`${file}.next`, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.next`, file)
}
