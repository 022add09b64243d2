/** The lab is killed (`kill -9`) at random during every operation of every cloud that changes something, and comes back: what was
 *  accepted comes to pass, no data folder is lost or left over, every acknowledged commit is there, nothing hangs. When it strikes
 *  is drawn from a seed: CAPSTAN_LAB_KILL_SEED=… draws another one, and repeats it as far as a busy machine can repeat milliseconds. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processesNaming } from '../support/processes'
import { drivenClouds } from './driven/clouds'
import { cacheDir, ownBlock } from './fixture'
import { Journal } from './killed/journal'
import { commonOperations } from './killed/operations'
import { ownOperations } from './killed/own-operations'
import { type Stage, type Struck, settle, strike } from './killed/run'
import { compileLab, startLabProcess } from './process'

const seed = Number(process.env.CAPSTAN_LAB_KILL_SEED ?? 2)
const root = mkdtempSync(join(tmpdir(), 'capstan-lab-killed-'))
const block = ownBlock()
const stateDir = join(root, 'state')
const runs: { cloud: string; name: string; struck: Struck }[] = []
let stage: Stage

async function openStage(): Promise<Stage> {
  const main = compileLab(join(root, 'code'))
  const args = ['--state', stateDir, '--block', block, '--cache', cacheDir, '--profile', 'instant']
  const lab = await startLabProcess(main, args)
  const clouds = drivenClouds({ block, stateDir, ready: lab.ready })
  const from = `${block}.2`
  const scenes = Object.values(clouds).map((cloud) => ({ cloud, from, journal: new Journal(cloud, from) }))
  await Promise.all(
    scenes.map(async ({ cloud, journal }) => {
      await cloud.create('shop')
      await cloud.rested('shop')
      await cloud.letIn('shop')
      await cloud.rested('shop')
      await journal.begin('shop')
    }),
  )
  return { lab, clouds, main, args, stateDir, scenes }
}

beforeAll(async () => {
  process.stdout.write(`CAPSTAN_LAB_KILL_SEED=${seed}\n`)
  chmodSync(root, 0o755)
  stage = await openStage()
})
afterAll(async () => {
  for (const { journal } of stage.scenes) await journal.stop()
  stage.lab.child.kill('SIGTERM')
  expect(await stage.lab.exited).toBe(0)
  expect(processesNaming(stateDir)).toEqual([])
  rmSync(root, { recursive: true, force: true })
  const counts = (['before it was answered', 'in its work', 'after its work'] as const).map((when) => {
    return `${runs.filter(({ struck }) => struck === when).length} ${when}`
  })
  process.stdout.write(`${runs.length} kills: ${counts.join(', ')}\n`)
})

test.each(['aws', 'azure', 'gcp'] as const)(
  'whatever is under way in %s when the lab is killed comes to pass, or was never accepted, and nothing is lost',
  async (name) => {
    await settle(stage)
    const scene = stage.scenes.find(({ cloud }) => cloud.name === name)!
    const operations = [...commonOperations(scene), ...ownOperations(scene, stage.clouds)]
    for (const operation of operations) {
      const run = runs.length
      try {
        runs.push({ cloud: name, name: operation.name, struck: await strike(stage, scene, operation, { seed, run }) })
      } catch (error) {
        const told = `seed ${seed}, run ${run}: ${operation.name}: ${error}\nThe lab said: ${stage.lab.said()}`
        throw new Error(told, { cause: error })
      }
    }
  },
  600_000,
)
