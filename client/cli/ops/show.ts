/** `capstan ops show OPERATION`: its record, with every step; with --plan what an approval would approve. */
import type { Command } from 'commander'
import type { BreakGlassPapers } from '../../../contracts/break-glass'
import type { MigrationBundle } from '../../../contracts/bundle'
import { EXCHANGE_DOCUMENTS, type ExchangePlan } from '../../../contracts/exchange'
import { FAILOVER_DOCUMENTS, type FailoverPlan } from '../../../contracts/failover'
import { FIND_MOMENT_DOCUMENTS, type SearchPlan } from '../../../contracts/find-moment'
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { MigrationPlan } from '../../../contracts/migrate'
import { FINAL_STATUSES, type OperationDocument, type OperationKind } from '../../../contracts/operation'
import { OVERWRITE_DOCUMENTS, type OverwritePlan } from '../../../contracts/overwrite'
import { REBUILD_DOCUMENTS, type RebuildPlan } from '../../../contracts/rebuild'
import { RECOVER_ROWS_DOCUMENTS } from '../../../contracts/recover-rows'
import { type DeltaReport, REPLACE_DOCUMENTS, type ReplacePlan } from '../../../contracts/replace'
import { REPLICATE_DOCUMENTS, type ReplicatePlan } from '../../../contracts/replicate'
import { RESTORE_DOCUMENTS, type RestorePlan } from '../../../contracts/restore'
import { SALVAGE_DOCUMENTS, type SalvageReport } from '../../../contracts/salvage'
import { SNAPSHOT_DOCUMENTS, type SnapshotPlan } from '../../../contracts/snapshot'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan } from '../../../contracts/switchover'
import { UPGRADE_DOCUMENTS, type UpgradePlan } from '../../../contracts/upgrade'
import { VERIFY_BACKUP_DOCUMENTS, type VerificationPlan } from '../../../contracts/verify-backup'
import type { Ledger } from '../../../ledger/ledger'
import type { RowRecoveryPlan } from '../../../postgres/row-recovery/recovered'
import { findOperation } from '../../find-operation'
import { parseOperationId } from '../../operation-id'
import type { CliContext } from '../context'
import { showOutcome } from '../follow'
import { example, jsonOption } from '../options'
import { exchangePlanLines } from '../render/exchange'
import { failoverPlanLines } from '../render/failover'
import { fileLines } from '../render/files'
import { searchPlanLines } from '../render/find-moment'
import { overwritePlanLines } from '../render/overwrite'
import { type PlanView, planLines } from '../render/plan'
import { rebuildPlanLines } from '../render/rebuild'
import { surveyLines } from '../render/recover-rows'
import { tablePlanLines } from '../render/recovery'
import { deltaLines, replacementPlanLines } from '../render/replacement'
import { replicationPlanLines } from '../render/replication-plan'
import { restorePlanLines } from '../render/restore'
import { salvageLines } from '../render/salvage'
import { snapshotPlanLines } from '../render/snapshots'
import { stepTree } from '../render/steps'
import { paperLines, switchoverPlanLines } from '../render/switchover'
import { upgradePlanLines } from '../render/upgrade'
import { verificationPlanLines } from '../render/verification-plan'

interface ShowOptions {
  readonly plan?: boolean
  readonly files?: boolean
  readonly json?: boolean
}

export function addOpsShow(ops: Command, cli: CliContext): void {
  ops
    .command('show')
    .description('The record of one operation.')
    .argument('<operation>')
    .option('--plan', 'with its plan, down to the statement: what an approval approves')
    .option('--files', 'with the scripts that it runs, whole, as the ledger keeps them: what the plan’s digest binds to')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan ops show migrate-shop-k3x7qa --plan --files', 'capstan ops show migrate-shop-k3x7qa --json'),
    )
    .action(async (operation: string, options: ShowOptions) => {
      const id = parseOperationId(operation)
      await cli.withLedger(async (ledger) => {
        const document = await findOperation(ledger, id)
        if (options.json) return cli.json({ ...document, ...(await furtherOf(ledger, document, options)) })
        cli.lines(stepTree(document, { paint: cli.paint, columns: cli.io.columns(), now: Date.now(), standing: false }))
        showOutcome(cli, document)
        if (options.plan) cli.lines(['', ...(await plannedLines(cli, ledger, document))])
        if (options.files) cli.lines(['', ...(await scriptLines(cli, ledger, document))])
      })
    })
}

interface PlanKind {
  /** Of the plan in the ledger. */
  readonly document: string
  readonly lines: (plan: unknown, entry: DatabaseEntry, view: PlanView) => string[]
  /** What an approval approves besides. */
  readonly further?: { readonly document: string; readonly lines: (document: unknown, view: PlanView) => string[] }
}

const PLANS: Readonly<Record<OperationKind, PlanKind>> = {
  migrate: {
    document: 'plan',
    lines: (plan, entry, view) => planLines(plan as MigrationPlan, entry, view),
  },
  snapshot: {
    document: SNAPSHOT_DOCUMENTS.plan,
    lines: (plan, entry, { paint }) => snapshotPlanLines(plan as SnapshotPlan, entry, paint),
  },
  'verify-backup': {
    document: VERIFY_BACKUP_DOCUMENTS.plan,
    lines: (plan, entry, { paint }) => verificationPlanLines(plan as VerificationPlan, entry, paint),
  },
  'find-moment': {
    document: FIND_MOMENT_DOCUMENTS.plan,
    lines: (plan, entry, { paint }) => searchPlanLines(plan as SearchPlan, entry, paint),
  },
  'recover-rows': {
    document: RECOVER_ROWS_DOCUMENTS.survey,
    lines: (plan, entry, view) => surveyLines(plan as RowRecoveryPlan, entry, view),
  },
  restore: {
    document: RESTORE_DOCUMENTS.plan,
    lines: (plan, entry, { paint }) => restorePlanLines(plan as RestorePlan, entry, paint),
  },
  overwrite: {
    document: OVERWRITE_DOCUMENTS.plan,
    lines: (plan, entry, { paint }) => overwritePlanLines(plan as OverwritePlan, entry, paint),
  },
  replace: {
    document: REPLACE_DOCUMENTS.plan,
    lines: (plan, entry, { paint }) => replacementPlanLines(plan as ReplacePlan, entry, paint),
    further: { document: REPLACE_DOCUMENTS.report, lines: (report, { paint }) => deltaLines(report as DeltaReport, paint) },
  },
  replicate: {
    document: REPLICATE_DOCUMENTS.plan,
    lines: (plan, entry, view) => replicationPlanLines(plan as ReplicatePlan, entry, view),
  },
  switchover: {
    document: SWITCHOVER_DOCUMENTS.plan,
    lines: (plan, entry, view) => switchoverPlanLines(plan as SwitchoverPlan, entry, view),
    further: {
      document: SWITCHOVER_DOCUMENTS.papers,
      lines: (papers, { paint }) => paperLines(papers as BreakGlassPapers, paint),
    },
  },
  failover: {
    document: FAILOVER_DOCUMENTS.plan,
    lines: (plan, entry, view) => failoverPlanLines(plan as FailoverPlan, entry, view),
  },
  exchange: {
    document: EXCHANGE_DOCUMENTS.plan,
    lines: (plan, entry, view) => exchangePlanLines(plan as ExchangePlan, entry, view),
  },
  upgrade: {
    document: UPGRADE_DOCUMENTS.plan,
    lines: (plan, entry, view) => upgradePlanLines(plan as UpgradePlan, entry, view),
  },
  salvage: {
    document: SALVAGE_DOCUMENTS.report,
    lines: (report, _, { paint }) => salvageLines(report as SalvageReport, { paint }),
    further: {
      document: RECOVER_ROWS_DOCUMENTS.survey,
      lines: (survey, { paint, columns }) => [
        ...tablePlanLines(survey as RowRecoveryPlan, { paint, columns }),
        '',
        `  plan digest ${(survey as RowRecoveryPlan).digest}`,
      ],
    },
  },
}

const REBUILDING: NonNullable<PlanKind['further']> = {
  document: REBUILD_DOCUMENTS.plan,
  lines: (plan, { paint }) => rebuildPlanLines(plan as RebuildPlan, { paint }),
}

/** What is asked of a standby differs in what is approved. */
async function planKindOf(ledger: Ledger, document: OperationDocument): Promise<PlanKind> {
  const kind = PLANS[document.kind]
  if (document.kind !== 'replicate') return kind
  const { replicate } = await bundleOf(ledger, document)
  return replicate?.rebuild === undefined ? kind : { ...kind, further: REBUILDING }
}

async function furtherOf(ledger: Ledger, document: OperationDocument, { plan, files }: ShowOptions): Promise<object> {
  return {
    ...(plan ? { plan: await planOf(ledger, document), ...(await besidesOf(ledger, document)) } : {}),
    ...(files ? { files: (await bundleOf(ledger, document)).migrations } : {}),
  }
}

async function besidesOf(ledger: Ledger, document: OperationDocument): Promise<object> {
  const { further } = await planKindOf(ledger, document)
  return further ? { [further.document]: await ledger.getDocument({ operation: document.id, name: further.document }) } : {}
}

async function bundleOf(ledger: Ledger, { id }: OperationDocument): Promise<MigrationBundle> {
  const { bundle } = await ledger.getOrigin(id)
  return await ledger.getBundle(bundle)
}

/** Those that the plan runs; all of them as long as there is none. */
async function scriptLines(cli: CliContext, ledger: Ledger, document: OperationDocument): Promise<string[]> {
  const bundle = await bundleOf(ledger, document)
  if (!WITH_SCRIPTS.includes(document.kind) || bundle.migrations.length === 0) return ['It runs no scripts.']
  const plan = await planOf(ledger, document)
  const planned = plan === null ? null : new Set(scriptsOf(document.kind, plan))
  return fileLines(bundle, planned, cli.paint)
}

const WITH_SCRIPTS: readonly OperationKind[] = ['migrate', 'replicate']

function scriptsOf(kind: OperationKind, plan: unknown): readonly string[] {
  return kind === 'replicate' ? (plan as ReplicatePlan).migrations : (plan as MigrationPlan).pending.map(({ script }) => script)
}

async function planOf(ledger: Ledger, document: OperationDocument): Promise<unknown> {
  const { document: name } = await planKindOf(ledger, document)
  return await ledger.getDocument({ operation: document.id, name })
}

async function plannedLines(cli: CliContext, ledger: Ledger, document: OperationDocument): Promise<string[]> {
  const plan = await planOf(ledger, document)
  const { lines, further } = await planKindOf(ledger, document)
  const besides = further && (await ledger.getDocument({ operation: document.id, name: further.document }))
  if (plan === null && !besides) return ['It has no plan yet.']
  const { database } = await bundleOf(ledger, document)
  const over = FINAL_STATUSES.includes(document.status)
  const view = { paint: cli.paint, columns: cli.io.columns(), over }
  const shown = [
    ...(plan === null ? [] : [lines(plan, database, view)]),
    ...(further && besides ? [further.lines(besides, view)] : []),
  ]
  return shown.flatMap((one, index) => (index === 0 ? one : ['', ...one]))
}
