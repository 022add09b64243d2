/** Everything without the story: in the foreground until Ctrl-C, or in the background. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { lockOwner } from '../../pgserver/lock-file'
import type { EmbeddedConfig } from '../config'
import { readEndpoints } from '../state/endpoints'
import { claimStateFolder, makeClosedFolder } from '../state/state-folder'
import { Console } from '../story/console'
import { welcome, whatRuns } from './announce'
import { listenForInterrupt } from './interrupt'
import { status } from './state'
import { type Telling, tellLine } from './tell'

/** Building Temporal may take minutes once. */
const DETACHED_READY_MS = 20 * 60_000

export interface UpOptions extends Telling {
  readonly detach: boolean
}

export async function up(config: EmbeddedConfig, { detach, json }: UpOptions): Promise<number> {
  if (detach) return await upDetached(config, { json })
  if (json) {
    const message = 'Without --detach it runs until Ctrl-C and has no document; "status --json" has it.'
    throw failure('OPTION_INVALID', message, { option: 'json' })
  }
  const interrupt = listenForInterrupt()
  const console = new Console({ live: config.colour })
  const stack = await welcome(console, config, interrupt)
  if (stack === null) return 0
  console.line(whatRuns(stack))
  console.line(`  state ${stack.endpoints.stateDir} · Ctrl-C stops it`)
  await interrupt.requested
  await stack.stop()
  return 0
}

async function upDetached(config: EmbeddedConfig, telling: Telling): Promise<number> {
  const { state } = config.folders
  claimStateFolder(config.folders)
  makeClosedFolder(join(state, 'logs'))
  const log = openSync(join(state, 'logs', 'up.log'), 'w', 0o600)
  const child = spawn(process.execPath, [join(config.clone, 'dist', 'embedded', 'main.js'), 'up'], {
    detached: true,
    env: config.inherited,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.unref()
  let gone = false
  child.once('exit', () => {
    gone = true
  })
  const deadline = Date.now() + DETACHED_READY_MS
  while (!gone && Date.now() < deadline) {
    if (readEndpoints(state) !== null && lockOwner(join(state, 'lock'))?.pid === child.pid) {
      tellLine(`✔ running in the background, supervisor ${child.pid}; stop it with: node bin/capstan.js down`, telling)
      return telling.json ? status(config, telling) : 0
    }
    await sleep(50)
  }
  throw failure('EMBEDDED_START_FAILED', `It did not start; see ${join(state, 'logs', 'up.log')}`)
}
