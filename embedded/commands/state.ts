/** Commands about what runs and what is kept: down, status, reset, and the guardian's sweep. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { lockOwner } from '../../pgserver/lock-file'
import { isAlive } from '../../pgserver/process-identity'
import type { EmbeddedConfig } from '../config'
import { sweepState, wipeState } from '../leftovers'
import { stopProcess } from '../processes/program'
import { readRecords } from '../processes/records'
import { readEndpoints } from '../state/endpoints'
import { isClaimed } from '../state/state-folder'
import { type Telling, tellDocument, tellLine } from './tell'

const STOP_MS = 10_000

/** The supervisor that was asked to stop. */
async function stopSupervisor({ folders }: EmbeddedConfig): Promise<readonly string[]> {
  if (!isClaimed(folders)) return []
  const owner = lockOwner(join(folders.state, 'lock'))
  if (owner === null) return []
  await stopProcess(owner, 'SIGTERM', STOP_MS)
  return [`supervisor ${owner.pid}`]
}

export async function down(config: EmbeddedConfig, telling: Telling): Promise<number> {
  const supervisor = await stopSupervisor(config)
  const swept = await sweepState(config)
  if (swept === null)
    throw failure('EMBEDDED_RUNNING', 'The embedded default was started again while it was being stopped; try again.')
  const stopped = [...supervisor, ...swept]
  tellLine(stopped.length === 0 ? '✔ nothing was running' : `✔ stopped: ${stopped.join(', ')}`, telling)
  return telling.json ? status(config, telling) : 0
}

export async function reset(config: EmbeddedConfig, telling: Telling): Promise<number> {
  await stopSupervisor(config)
  const { state } = config.folders
  const removed = await wipeState(config)
  tellLine(removed ? `✔ removed all state of this clone (${state})` : `✔ there was no state to remove (${state})`, telling)
  return telling.json ? status(config, telling) : 0
}

export async function sweepLeftovers(config: EmbeddedConfig): Promise<number> {
  // The supervisor's end may be a moment away when its pipe closes.
  await sleep(100)
  await sweepState(config)
  return 0
}

export function status(config: EmbeddedConfig, telling: Telling): number {
  const { state, cache } = config.folders
  const supervisor = lockOwner(join(state, 'lock'))?.pid ?? null
  const endpoints = readEndpoints(state)
  const processes = readRecords(join(state, 'processes.json'))
    .filter(isAlive)
    .map(({ name, pid }) => ({ name, pid }))
  const running = supervisor !== null && endpoints !== null
  if (telling.json) {
    const { temporal = null, labApi = null, fleet = null } = endpoints ?? {}
    tellDocument({ version: 1, running, supervisor, temporal, labApi, fleet, processes, stateDir: state, cacheDir: cache })
    return 0
  }
  if (!running) {
    tellLine(`Not running. State: ${state}. Start it with: npm start`, telling)
    return 0
  }
  tellLine(`✔ running, supervisor ${supervisor}`, telling)
  tellLine(
    `  Temporal  ${endpoints.temporal.address}${endpoints.temporal.uiUrl === null ? '' : `   ${endpoints.temporal.uiUrl}`}`,
    telling,
  )
  tellLine(`  lab       ${endpoints.labApi}`, telling)
  tellLine(`  processes ${processes.map(({ name, pid }) => `${name} ${pid}`).join(', ')}`, telling)
  tellLine(`  state     ${state}`, telling)
  return 0
}
