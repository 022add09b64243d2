/** A lab as a process of its own, for tests that kill it: the next one lives at the same address, over what was written down. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RDS } from '@aws-sdk/client-rds'
import { signalIfThere } from '../../pgserver/process-tree'
import { processesNaming } from '../support/processes'
import { type Answer, cacheDir, callLab, ownBlock, sdk } from './fixture'
import { compileLab, type LabProcess, startLabProcess } from './process'

export interface KillableLab {
  readonly block: string
  readonly stateDir: string
  /** `<block>.2`, the address that `group` lets in. */
  readonly client: string
  readonly group: string
  /** The compiled program, and what it is started with. */
  readonly main: string
  readonly args: readonly string[]
  /** As it is now, whichever process it is. */
  readonly lab: LabProcess['ready']
  readonly pid: number
  readonly rds: RDS
  said(): string
  call(method: string, path: string, body?: unknown): Promise<Answer>
  /** The ids of what runs of it: the lab itself is among them. */
  processes(): number[]
  /** Compiles it, and starts the first one. */
  open(): Promise<void>
  start(): Promise<void>
  /** In order: it ends with 0. */
  stop(): Promise<void>
  /** `kill -9`. With `powerCut` its servers go with it. */
  kill(how?: { powerCut: boolean }): Promise<void>
  killAndRestart(how?: { powerCut: boolean }): Promise<void>
  /** Stops it, and sees that nothing of it runs on. */
  remove(): Promise<void>
}

export function killableLab(profile: 'instant' | 'fast' = 'fast'): KillableLab {
  const root = mkdtempSync(join(tmpdir(), 'capstan-lab-killed-'))
  const block = ownBlock()
  const stateDir = join(root, 'state')
  const args = ['--state', stateDir, '--block', block, '--cache', cacheDir, '--profile', profile]
  const main = join(root, 'code', 'lab', 'main.js')
  let running: LabProcess
  let rds: RDS
  const test: KillableLab = {
    block,
    stateDir,
    client: `${block}.2`,
    group: 'sg-tests',
    main,
    args,
    get lab() {
      return running.ready
    },
    get pid() {
      return running.child.pid!
    },
    get rds() {
      return rds
    },
    said: () => running.said(),
    call: (method, path, body) => callLab(running.ready, method, path, body),
    processes: () => processesNaming(stateDir),
    async open() {
      chmodSync(root, 0o755)
      compileLab(join(root, 'code'))
      await test.start()
      await test.call('PUT', `/_lab/security-groups/${test.group}`, { cidrs: [`${test.client}/32`] })
    },
    async start() {
      running = await startLabProcess(main, args)
      rds = sdk(running.ready.api, running.ready.credentials.aws)
    },
    async stop() {
      running.child.kill('SIGTERM')
      expect(await running.exited).toBe(0)
    },
    async kill({ powerCut } = { powerCut: false }) {
      const servers = powerCut ? test.processes() : []
      running.child.kill('SIGKILL')
      // some of them, such as the shell that archives a segment, end by themselves meanwhile
      for (const pid of servers) signalIfThere(pid, 'SIGKILL')
      await running.exited
    },
    async killAndRestart(how) {
      await test.kill(how)
      await test.start()
    },
    async remove() {
      await test.stop()
      expect(test.processes()).toEqual([])
      rmSync(root, { recursive: true, force: true })
    },
  }
  return test
}
