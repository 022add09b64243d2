/** A lab process of its own for a file that restores moments in it. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processesNaming } from '../../support/processes'
import { type DrivenClouds, drivenClouds } from '../driven/clouds'
import { cacheDir, ownBlock } from '../fixture'
import { compileLab, startLabProcess } from '../process'

export interface MomentsLab {
  readonly clouds: DrivenClouds
  /** Whence its clouds' instances let in. */
  readonly address: string
  close(): Promise<void>
}

export async function openMomentsLab(): Promise<MomentsLab> {
  const root = mkdtempSync(join(tmpdir(), 'capstan-lab-moments-'))
  chmodSync(root, 0o755)
  const stateDir = join(root, 'state')
  const block = ownBlock()
  const main = compileLab(join(root, 'code'))
  const lab = await startLabProcess(main, ['--state', stateDir, '--block', block, '--cache', cacheDir, '--profile', 'instant'])
  return {
    clouds: drivenClouds({ block, stateDir, ready: lab.ready }),
    address: `${block}.2`,
    async close() {
      lab.child.kill('SIGTERM')
      const code = await lab.exited
      const left = processesNaming(stateDir)
      rmSync(root, { recursive: true, force: true })
      if (code !== 0 || left.length > 0) throw new Error(`the lab ended with ${code}, and left ${left.length} processes`)
    },
  }
}
