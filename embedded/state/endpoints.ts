/** How the command line finds a running embedded default: `<dist>/embedded.json` names the state folder, and that folder's
 *  `endpoints.json` (its owner's alone: it holds the ledger's password) says where everything listens. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Endpoints {
  readonly version: 1
  readonly temporal: { readonly address: string; readonly namespace: string; readonly uiUrl: string | null }
  readonly ledgerUrl: string
  readonly fleet: string
  readonly labApi: string
  readonly stateDir: string
}

export function publishEndpoints(clone: string, endpoints: Endpoints): void {
  replace(join(endpoints.stateDir, 'endpoints.json'), endpoints)
  replace(join(clone, 'dist', 'embedded.json'), { stateDir: endpoints.stateDir })
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
