/** Before all suites: runs every scenario undisturbed, once, and writes down the boundaries that its history shows. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCapstan } from '../../support/capstan-stack'
import { migratingAt } from '../../support/migrating'
import { createTarget } from '../../support/target'
import { activitiesOf, cloudCallsOf } from './boundaries'
import { type Crashing, crashingAt, openDoor } from './crashing'
import { GOLDEN_VARIABLE, type Golden, type GoldenScenario } from './golden'
import { SCENARIOS, type Scenario } from './scenarios'

export default async function goldenRun(): Promise<void> {
  const capstan = await startCapstan()
  try {
    const place = { capstan, target: await createTarget(capstan) }
    const it = migratingAt(() => place)
    const door = await openDoor(it)
    const crashing = crashingAt(it, () => door)
    const scenarios: GoldenScenario[] = []
    for (const scenario of SCENARIOS) scenarios.push(await observe(crashing, scenario))
    await door.close()
    const file = join(mkdtempSync(join(tmpdir(), 'capstan-golden-')), 'golden.json')
    writeFileSync(file, JSON.stringify({ scenarios } satisfies Golden))
    process.env[GOLDEN_VARIABLE] = file
  } finally {
    await capstan.close()
  }
}

async function observe(it: Crashing, scenario: Scenario): Promise<GoldenScenario> {
  const operation = `golden-${scenario.name}`
  const startedAt = Date.now()
  const since = await it.lab.mark()
  const wrong = await it.cell(scenario, operation)
  if (wrong.length > 0) throw new Error(`the undisturbed run of ${scenario.name} is wrong: ${wrong.join('; ')}`)
  const history = await it.capstan.temporal.workflow.getHandle(operation).fetchHistory()
  const activities = activitiesOf(history)
  const cloudCalls = cloudCallsOf(await it.lab.calls(since), operation)
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  const local = activities.filter((activity) => activity.local).length
  process.stdout.write(
    `golden run of ${scenario.name}: ${seconds} s, ${activities.length - local} activities, ${local} local ones, ${cloudCalls.length} calls to the cloud\n`,
  )
  return { scenario: scenario.name, activities, cloudCalls }
}
