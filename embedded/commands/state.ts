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

const STOP_MS = 10_000
const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

/** The supervisor that was asked to stop. */
async function stopSupervisor({ folders }: EmbeddedConfig): Promise<readonly string[]> {
  if (!isClaimed(folders)) return []
  const owner = lockOwner(join(folders.state, 'lock'))
  if (owner === null) return []
  await stopProcess(owner, 'SIGTERM', STOP_MS)
  return [`supervisor ${owner.pid}`]
}

export async function down(config: EmbeddedConfig): Promise<number> {
  const supervisor = await stopSupervisor(config)
  const swept = await sweepState(config)
  if (swept === null)
    throw failure('EMBEDDED_RUNNING', 'The embedded default was started again while it was being stopped; try again.')
  const stopped = [...supervisor, ...swept]
  print(stopped.length === 0 ? '✔ nothing was running' : `✔ stopped: ${stopped.join(', ')}`)
  return 0
}

export async function reset(config: EmbeddedConfig): Promise<number> {
  await stopSupervisor(config)
  const { state } = config.folders
  print((await wipeState(config)) ? `✔ removed all state of this clone (${state})` : `✔ there was no state to remove (${state})`)
  return 0
}

export async function sweepLeftovers(config: EmbeddedConfig): Promise<number> {
  // The supervisor's end may be a moment away when its pipe closes.
  await sleep(100)
  await sweepState(config)
  return 0
}

export function status(config: EmbeddedConfig, { json }: { json: boolean }): number {
  const { state, cache } = config.folders
  const supervisor = lockOwner(join(state, 'lock'))?.pid ?? null
  const endpoints = readEndpoints(state)
  const processes = readRecords(join(state, 'processes.json'))
    .filter(isAlive)
    .map(({ name, pid }) => ({ name, pid }))
  const running = supervisor !== null && endpoints !== null
  if (json) {
    const { temporal = null, labApi = null, fleet = null } = endpoints ?? {}
    print(
      JSON.stringify({ version: 1, running, supervisor, temporal, labApi, fleet, processes, stateDir: state, cacheDir: cache }),
    )
    return 0
  }
  if (!running) {
    print(`Not running. State: ${state}. Start it with: npm start`)
    return 0
  }
  print(`✔ running, supervisor ${supervisor}`)
  print(`  Temporal  ${endpoints.temporal.address}${endpoints.temporal.uiUrl === null ? '' : `   ${endpoints.temporal.uiUrl}`}`)
  print(`  lab       ${endpoints.labApi}`)
  print(`  processes ${processes.map(({ name, pid }) => `${name} ${pid}`).join(', ')}`)
  print(`  state     ${state}`)
  return 0
}
