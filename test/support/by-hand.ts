/** What a person has who goes on by hand: the command line, the fleet file and both databases, and nothing of the control plane. */
import { join } from 'node:path'
import type { BreakGlassPapers } from '../../contracts/break-glass'
import type { Session } from '../../postgres/connect/session'
import { type CliRun, capstan as command } from '../client/recorded-io'
import { eventually, until } from './eventually'
import { MASTER_PASSWORD } from './other-clouds'
import type { Switching } from './switching'

const AGREED = ['--yes', '--confirm', 'stock', '--json'] as const

export class ByHand {
  readonly env: Readonly<Record<string, string>>

  /** `more`: what moves the endpoint, say. */
  constructor(
    private readonly it: Switching,
    more: Readonly<Record<string, string>> = {},
  ) {
    const { dir, stack } = it.capstan
    this.env = {
      ...{ CAPSTAN_STATE_DIR: join(dir, 'nowhere'), CAPSTAN_FLEET: it.pair.fleet },
      // nobody is asked there
      ...{ TEMPORAL_ADDRESS: '127.0.0.1:9', CAPSTAN_LEDGER_URL: 'postgres://nobody@127.0.0.1:9/ledger' },
      ...{ CAPSTAN_SECRET_VARIABLES: 'SHOP_', CAPSTAN_JOURNAL_KEY: 'ab'.repeat(32), SHOP_MASTER_PASSWORD: MASTER_PASSWORD },
      ...{ SHOP_ADMIN_PASSWORD: stack.secrets.shopAdmin, SHOP_MIGRATOR_PASSWORD: stack.secrets.shopMigrator },
      ...{ CAPSTAN_LAB_ENDPOINT: stack.lab.api, CAPSTAN_LAB_TOKEN: stack.lab.token ?? '' },
      ...more,
    }
  }

  journal(operation: string): string {
    return join(this.it.capstan.dir, `${operation}.jsonl`)
  }

  words(deed: string, operation: string): readonly string[] {
    return ['break-glass', deed, operation, '--journal', this.journal(operation), ...AGREED]
  }

  run(deed: string, operation: string, ...more: string[]): Promise<CliRun> {
    return command([...this.words(deed, operation), ...more], { env: this.env })
  }

  async standing(operation: string, ...more: string[]): Promise<{ standing: { stage: string }; papers: BreakGlassPapers }> {
    const { json, err } = await command(['break-glass', 'show', operation, '--yes', '--json', ...more], { env: this.env })
    if (json === null || json === undefined) throw new Error(err)
    return json as { standing: { stage: string }; papers: BreakGlassPapers }
  }

  /** Begins a switchover. Once it is behind the fence, with the worker's own session inside the source, and before the barrier, `gone` is called: until that has
   *  resolved the walsender stands still. */
  async behindTheFence(operation: string, gone: () => Promise<void>): Promise<void> {
    const { capstan, pair } = this.it
    capstan.arm('prepareWayBack#1:after')
    const deaths = capstan.deaths()
    const started = await pair.run('switchover', 'stock', '--operation', operation, '--no-wait')
    expect(started).toMatchObject({ code: 0 })
    await until('the way back to be prepared', async () => capstan.deaths() > deaths)
    const [sender] = await pair.onSource<{ pid: number }>('SELECT active_pid AS pid FROM pg_replication_slots WHERE active')
    if (sender === undefined) throw new Error('nobody reads the slot')
    process.kill(sender.pid, 'SIGSTOP')
    try {
      // asked as an application: a session of the master's is what a switchover stops at
      await until('the source to be closed', async () => !(await lets(pair.source.app)), 20)
      await gone()
    } finally {
      process.kill(sender.pid, 'SIGCONT')
    }
  }

  /** Once the control plane is there again. `because`: of the step at which its workflow has come to a stop. */
  async reconciled(operation: string, outcome: string, because: string): Promise<void> {
    const { capstan, bank, pair } = this.it
    const before = bank.acknowledged.size
    const waiting = await eventually('the workflow to wait for an operator', async () => {
      const found = await capstan.ledger.getOperation(operation)
      return found?.status === 'needs-operator' ? found : undefined
    })
    expect(JSON.stringify(waiting.steps)).toContain(because)
    await until('the bank to go on', async () => bank.acknowledged.size > before + 50)
    const told = async () => pair.cli('break-glass', 'reconcile', this.journal(operation), '--json')
    const first = await told()
    expect({ code: first.code, ...JSON.parse(first.stdout || '{}'), err: first.stderr }).toMatchObject({
      code: 0,
      ...{ operation, outcome, endpoint: { moved: true } },
    })
    expect(JSON.parse((await told()).stdout)).toMatchObject({ outcome, resolved: [] })
    expect(await capstan.ledger.getDocument({ operation, name: 'break-glass-journal' })).toMatchObject({ outcome })
  }
}

const lets = async (open: () => Promise<Session>): Promise<boolean> => {
  const session = await open().catch(() => null)
  await session?.close()
  return session !== null
}
