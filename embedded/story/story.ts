/** The main job, told while it is done: a dangerous migration is stopped on a restored copy, its safe version is rehearsed, applied to
 *  the real database under traffic, the worker is killed in the middle, another carries on, and no acknowledged commit is lost.
 *  Nothing here is staged but the moment of the kill (see kill.ts), and what is claimed is looked up on the target itself. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Failure, failure, isFailureCode } from '../../contracts/failures'
import type { OperationDocument } from '../../contracts/operation'
import type { EmbeddedConfig } from '../config'
import type { Stack } from '../stack'
import { makeClosedFolder } from '../state/state-folder'
import { CommandLine } from './command-line'
import type { Console } from './console'
import { endOpenOperations } from './earlier'
import { type KillPlan, killInsideIndexBuild } from './kill'
import { OperationView } from './operation-view'
import { type ShopAddress, withShop } from './shop-database'
import { ShopCloud } from './shop-instance'
import { adminLogin, applyBaseline, makeRoles, seed } from './shop-schema'
import { changes, readTarget } from './target'
import type { Timings } from './timings'
import { compareJournal, Traffic } from './traffic'

export interface StoryOutcome {
  readonly passed: boolean
  /** The operation that applied the safe version. */
  readonly operation: string | null
}

interface Scene {
  readonly config: EmbeddedConfig
  readonly stack: Stack
  readonly console: Console
  readonly commands: CommandLine
  readonly cloud: ShopCloud
  readonly timings: Timings
  /** Empty the whole lab first, not only of the shop. */
  readonly again: boolean
}

interface Act {
  readonly document: OperationDocument
  /** What did not go as promised, in words. */
  readonly problems: readonly string[]
}

export async function tellStory(given: Omit<Scene, 'commands' | 'cloud'>, signal: AbortSignal): Promise<StoryOutcome> {
  const { config, stack, console, timings } = given
  const commands = new CommandLine(config, stack.endpoints, signal)
  const cloud = new ShopCloud(stack)
  const scene: Scene = { ...given, commands, cloud }
  try {
    const address = await openTheShop(scene)
    const traffic = new Traffic(config, stack, address)
    try {
      await traffic.flowing()
      const first = await timings.measure('the dangerous migration', () => dangerous(scene, address, traffic))
      const second = await timings.measure('the safe migration', () => safe(scene, address, traffic))
      return await timings.measure('proof', () => prove(scene, address, traffic, [first, second]))
    } finally {
      await traffic.stop()
    }
  } finally {
    console.rest()
    cloud.close()
  }
}

async function openTheShop({ config, stack, console, commands, cloud, timings, again }: Scene): Promise<ShopAddress> {
  if (again || (await cloud.exists())) {
    console.working(again ? 'emptying the lab' : 'removing the shop of the last time')
    await timings.measure('old shop removed', async () => {
      await endOpenOperations(commands)
      await (again ? cloud.emptyLab() : cloud.remove())
    })
    if (again) console.line('✔ the lab is empty')
  }
  console.working('opening the shop: an RDS instance, two migrations, 300,000 orders')
  const address = await timings.measure('shop: instance created', () => cloud.create())
  await timings.measure('shop: version 2', async () => {
    await makeRoles(stack, address)
    await applyBaseline(config, commands, address, stack.secrets.shopMigrator)
  })
  await timings.measure('shop: 300,000 orders', () => seed(config, stack, address))
  console.rest()
  console.line(`✔ shop: RDS instance "shop" at ${address.host}:${address.port}, 300,000 orders, version 2, open for business`)
  return address
}

async function dangerous(scene: Scene, address: ShopAddress, traffic: Traffic): Promise<Act> {
  const { stack, console, cloud } = scene
  const target = () => withShop(address, adminLogin(stack), readTarget)
  const before = await target()
  console.line(`▶ migrate shop  V3…V7, ${traffic.rate()} commits/s journaled`)
  const document = await migrate(scene, [])
  const problems = document.verdict === 'fail' ? [] : ['the dangerous migration was not stopped by a finding']
  const changed = changes(before, await target())
  problems.push(...changed.map((what) => `the target was touched: ${what}`))
  problems.push(...(await cloud.leftovers()).map((id) => `the canary ${id} was left`))
  if (problems.length === 0) {
    console.line('  ● target untouched, canary removed. The safe version is in examples/shop/migrations-safe: trying it')
  }
  return { document, problems }
}

async function safe(scene: Scene, address: ShopAddress, traffic: Traffic): Promise<Act> {
  const { config, stack, console, cloud } = scene
  console.line(`▶ migrate shop  V3…V7 (safe), ${traffic.rate()} commits/s journaled`)
  const plan = await killInsideIndexBuild(stack, address, (pid) =>
    console.line(`  ⚡ killing the worker inside CREATE INDEX CONCURRENTLY (kill -9 ${pid})`),
  )
  void tellSuccessor(plan, console)
  const document = await migrate(scene, ['--migrations', join(config.clone, 'examples', 'shop', 'migrations-safe')])
  plan.cancel()
  const killed = await plan.killed
  const after = await withShop(address, adminLogin(stack), readTarget)
  const problems: string[] = []
  if (document.verdict !== 'pass')
    problems.push(`the safe migration ended ${document.status}: ${document.failure?.message ?? 'see its findings'}`)
  if (killed === null) problems.push('the worker was not killed: no index was seen being built')
  if (after.version !== '7') problems.push(`the target is at version ${after.version}, not 7`)
  if (after.indexesInvalid > 0) problems.push('an invalid index was left on the target')
  problems.push(...(await cloud.leftovers()).map((id) => `the canary ${id} was left`))
  return { document, problems }
}

async function tellSuccessor(plan: KillPlan, console: Console): Promise<void> {
  const killed = await plan.killed.catch(() => null)
  if (killed === null) return
  const left = killed.leftInvalidIndex ? 'an invalid index is left behind' : 'it left nothing behind'
  console.line(`  ⚡ ${left}; resumed by worker ${killed.successor}`)
}

/** Runs `capstan migrate shop`, showing its steps as they go. @throws Failure when there is no operation to show. */
async function migrate({ stack, console, commands }: Scene, options: readonly string[]): Promise<OperationDocument> {
  const view = new OperationView(console)
  const args = ['migrate', 'shop', '--fleet', stack.endpoints.fleet, '--yes', '--events', ...options]
  let refusal: { readonly code: string; readonly message: string } | null = null
  const { code, stderr } = await commands.run(args, (line) => {
    const said = JSON.parse(line) as OperationDocument | { readonly error: { readonly code: string; readonly message: string } }
    if ('error' in said) refusal = said.error
    else view.show(said)
  })
  console.rest()
  if (refusal !== null) throw refused(refusal)
  if (view.latest === null) throw new Error(`capstan migrate ended with ${code} and said: ${stderr}`)
  const { failure: why } = view.latest
  if (why !== null) console.line(`  ✘ ${why.message}`)
  return view.latest
}

function refused({ code, message }: { readonly code: string; readonly message: string }): Failure {
  return failure(isFailureCode(code) ? code : 'DEFECT', `capstan migrate: ${message}`)
}

async function prove(scene: Scene, address: ShopAddress, traffic: Traffic, acts: readonly Act[]): Promise<StoryOutcome> {
  const { stack, console } = scene
  const problems = acts.flatMap((act) => act.problems)
  const { errors } = await traffic.stop()
  const proof = await withShop(address, adminLogin(stack), (shop) => compareJournal(traffic.journal, shop))
  if (proof.lost > 0) problems.push(`${proof.lost} acknowledged commits are not in the database`)
  if (proof.acknowledged === 0) problems.push('no commit was acknowledged')
  const last = acts.at(-1)?.document
  const evidence = last === undefined ? null : await keepEvidence(scene, last)
  for (const problem of problems) console.line(`  ✘ ${problem}`)
  const count = (n: number): string => n.toLocaleString('en-US')
  const parts = [
    `${count(proof.acknowledged)} commits acknowledged during the run, ${count(proof.lost)} lost`,
    ...(proof.inDoubt > 0 ? [`${count(proof.inDoubt)} in doubt`] : []),
    ...(errors > 0 ? [`${count(errors)} refused or broken`] : []),
    `longest order ${count(Math.round(traffic.longestMs))} ms`,
  ]
  console.line(`${problems.length === 0 ? 'PASS' : 'FAIL'}  ${parts.join(' · ')}`)
  if (evidence !== null) console.line(`      evidence: ${evidence}`)
  const history = last === undefined ? null : historyUrl(stack, last.id)
  if (history !== null) console.line(`      history:  ${history}`)
  return { passed: problems.length === 0, operation: last?.id ?? null }
}

function historyUrl({ endpoints }: Stack, operation: string): string | null {
  const { uiUrl, namespace } = endpoints.temporal
  return uiUrl === null ? null : `${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(operation)}`
}

async function keepEvidence({ config, commands, console }: Scene, { id, evidence }: OperationDocument): Promise<string | null> {
  if (evidence === null) return null
  const document = await commands.json<unknown>(['ops', 'evidence', id]).catch((error: unknown) => {
    console.line(`  ● the evidence could not be fetched: ${error instanceof Error ? error.message : String(error)}`)
    return null
  })
  if (document === null) return null
  const folder = join(config.folders.state, 'evidence')
  makeClosedFolder(folder)
  const file = join(folder, `${id}.json`)
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 })
  return file
}
