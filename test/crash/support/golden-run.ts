/** Before all suites: runs every scenario undisturbed, once, and writes down the boundaries that its history shows. Other clouds' matrices are of the night alone, so theirs come with it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCapstan } from '../../support/capstan-stack'
import { migratingAt } from '../../support/migrating'
import { createOtherTarget, MASTER_PASSWORD, OTHER_CLOUDS } from '../../support/other-clouds'
import { createTarget, type Target } from '../../support/target'
import { activitiesOf, cloudCallsOf } from './boundaries'
import { type Crashing, crashingAt, openDoor } from './crashing'
import { GOLDEN_VARIABLE, type Golden, type GoldenScenario, type Place } from './golden'
import { PASSES, SCENARIOS, type Scenario } from './scenarios'

export default async function goldenRun(_: unknown, { testMatch }: { readonly testMatch: readonly string[] }): Promise<void> {
  const others = testMatch.some((pattern) => pattern.includes('.nightly.')) ? OTHER_CLOUDS : []
  const capstan = await startCapstan({ env: { SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  try {
    const scenarios: GoldenScenario[] = []
    const observeAll = async (place: Place, target: Target, run: readonly Scenario[]): Promise<void> => {
      const it = migratingAt(() => ({ capstan, target }))
      const door = await openDoor(it)
      const crashing = crashingAt(it, () => door)
      for (const scenario of run) scenarios.push(await observe(crashing, scenario, place))
      await door.close()
    }
    await observeAll('aws', await createTarget(capstan), SCENARIOS)
    for (const place of others) await observeAll(place, await createOtherTarget(place, capstan), [PASSES])
    const folder = mkdtempSync(join(tmpdir(), 'capstan-golden-'))
    leaveNothing(folder)
    const file = join(folder, 'golden.json')
    writeFileSync(file, JSON.stringify({ scenarios } satisfies Golden))
    process.env[GOLDEN_VARIABLE] = file
  } finally {
    await capstan.close()
  }
}

/** Whoever interrupts the suites takes its end away. */
function leaveNothing(folder: string): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      rmSync(folder, { recursive: true, force: true })
      process.exit(130)
    })
  }
}

async function observe(it: Crashing, scenario: Scenario, place: Place): Promise<GoldenScenario> {
  const operation = `golden-${scenario.name}-${place}`
  const startedAt = Date.now()
  const since = await it.lab.mark()
  const wrong = await it.cell(scenario, operation)
  if (wrong.length > 0) throw new Error(`the undisturbed run of ${scenario.name} on ${place} is wrong: ${wrong.join('; ')}`)
  const history = await it.capstan.temporal.workflow.getHandle(operation).fetchHistory()
  const activities = activitiesOf(history)
  const cloudCalls = cloudCallsOf(await it.lab.calls(since), operation)
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  const local = activities.filter(({ queue }) => queue === null).length
  process.stdout.write(
    `golden run of ${scenario.name} on ${place}: ${seconds} s, ${activities.length - local} activities, ${local} local ones, ${cloudCalls.length} calls to the cloud\n`,
  )
  return { scenario: scenario.name, place, activities, cloudCalls }
}
