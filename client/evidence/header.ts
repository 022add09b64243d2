/** The top of the page: what ran, how it ended, who asked and who approved, and the figures that decided. */

import type { EvidenceDocument } from '../../ledger/evidence-document'
import { blocksWrites } from '../../postgres/observe/lock-modes'
import { bytes, chosenBytes, chosenDuration, duration, grouped, instant } from '../quantities'
import { each, type Html, html } from './html'
import { recoveryFigures } from './ladder'

const VERDICTS = { pass: 'PASS', fail: 'FAIL', inconclusive: 'INCONCLUSIVE' } as const

/** The word of the seal, and its colour. */
export function sealOf({ operation }: EvidenceDocument): { word: string; tone: 'good' | 'bad' | 'neutral' } {
  const { verdict, status } = operation
  if (verdict !== null)
    return { word: VERDICTS[verdict], tone: verdict === 'pass' ? 'good' : verdict === 'fail' ? 'bad' : 'neutral' }
  return { word: status.toUpperCase(), tone: status === 'failed' ? 'bad' : 'neutral' }
}

export function headerOf(evidence: EvidenceDocument): Html {
  const { operation } = evidence
  const { word, tone } = sealOf(evidence)
  return html`<header>
<p class="brand">Capstan · evidence</p>
<div class="title"><h1>${operation.kind} ${operation.databases.join(', ')}</h1><p class="seal ${tone}">${word}</p></div>
<p class="id"><code>${operation.id}</code> ended <strong>${operation.status}</strong></p>
${operation.failure !== null && html`<p class="failure"><strong>${operation.failure.code}</strong> ${operation.failure.message}</p>`}
<dl class="facts">${each(facts(evidence), ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`
}

function facts(evidence: EvidenceDocument): [string, string][] {
  const { operation, request, at, documents } = evidence
  const { plan } = documents
  const tookMs = Date.parse(at) - Date.parse(operation.startedAt)
  return [
    ['Requested by', operation.requestedBy],
    ['Approval', approvalOf(evidence)],
    ['Started', instant(operation.startedAt)],
    ['Ended', instant(at)],
    ['Took', duration(tookMs)],
    ...(request === undefined ? [] : whereabouts(request)),
    ...(plan === undefined
      ? []
      : [
          ['Engine', `PostgreSQL ${plan.engineVersion}`] as [string, string],
          ['Instance id', plan.instanceId] as [string, string],
        ]),
    ...(plan === undefined ? [] : [['Version', versions(evidence)] as [string, string]]),
  ]
}

/** What a cloud calls what holds its instances. */
const ACCOUNTS: Readonly<Record<string, string>> = { azure: 'subscription', gcp: 'project' }

function whereabouts(request: NonNullable<EvidenceDocument['request']>): [string, string][] {
  const { cloud, region, account, resourceGroup, copiesResourceGroup, aurora, instance, database, environment, mode } = request
  const apart = copiesResourceGroup === undefined ? '' : ` (copies: ${copiesResourceGroup})`
  const within = resourceGroup === undefined ? '' : `, resource group ${resourceGroup}${apart}`
  return [
    ['Target', `database ${database} on ${aurora ? 'Aurora cluster' : 'instance'} ${instance}`],
    ['Where', `${cloud} ${region}, ${ACCOUNTS[cloud] ?? 'account'} ${account}${within}, ${environment}`],
    ...(mode === 'plan' ? [['Mode', 'plan only: nothing was to be changed'] as [string, string]] : []),
  ]
}

/** In the record's own words: it holds who decided and why. */
function approvalOf({ operation, request }: EvidenceDocument): string {
  const step = operation.steps.find(({ id }) => id === 'approve')
  if (typeof step?.detail.summary === 'string') return step.detail.summary
  if (step !== undefined) return 'asked for, not given'
  // The policy's approval is a migration's; other operations ask by what they do, or not at all.
  if (operation.kind !== 'migrate' || request === undefined) return 'not asked for'
  if (request.policy.approval === 'required') return 'required, not asked for: the operation ended before'
  return 'not asked for: the policy needs none'
}

function versions({ documents: { plan, apply } }: EvidenceDocument): string {
  const from = plan?.current ?? 'none'
  if (apply !== undefined) return `${from} → ${apply.current ?? 'none'}`
  return plan === undefined || plan.pending.length === 0
    ? from
    : `${from}, unchanged (planned: ${plan.target ?? 'repeatables only'})`
}

type Shown = (amount: number) => string

export interface Figure {
  readonly name: string
  readonly value: string
  /** What was allowed. */
  readonly note: string
  readonly over: boolean
}

/** Empty when nothing was rehearsed or restored. */
export function figuresOf(evidence: EvidenceDocument): Figure[] {
  const { documents, request } = evidence
  const { rehearsal } = documents
  const checks = checkFigure(documents)
  if (rehearsal === undefined) return [...recoveryFigures(evidence), ...checks]
  const {
    writeBlockMsMax = null,
    rewriteRowsMax = null,
    statementMsMax = null,
    walBytesMax = null,
  } = request?.policy.limits ?? {}
  const known = request !== undefined
  const figure = (name: string, found: number, limit: number | null, show: Shown, chosen: Shown = show): Figure => ({
    name,
    value: show(found),
    note: limit !== null ? `of ${chosen(limit)} allowed` : known ? 'not limited' : '',
    over: limit !== null && found > limit,
  })
  const { records } = rehearsal
  const longest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0)
  const blocks = records.flatMap(({ locks }) => locks.filter(({ mode }) => blocksWrites(mode)).map(({ heldMs }) => heldMs))
  const rewritten = records.flatMap(({ rewrites }) => rewrites.map(({ rows }) => rows))
  return [
    figure('Longest write block', longest(blocks), writeBlockMsMax, duration, chosenDuration),
    figure('Most rows rewritten', longest(rewritten), rewriteRowsMax, grouped),
    figure('Longest statement', longest(records.map(({ durationMs }) => durationMs)), statementMsMax, duration, chosenDuration),
    figure('Write-ahead log', rehearsal.walBytes, walBytesMax, bytes, chosenBytes),
    ...checks,
  ]
}

function checkFigure(documents: EvidenceDocument['documents']): Figure[] {
  const results = [documents['checks-canary'], documents['checks-target'], documents.bake, documents['checks-copy']].flatMap(
    (one) => one?.results ?? [],
  )
  if (results.length === 0) return []
  const failed = results.filter(({ ok }) => !ok).length
  const value = failed === 0 ? grouped(results.length) : `${grouped(failed)} of ${grouped(results.length)}`
  return [
    { name: failed === 0 ? 'Checks held' : 'Checks failed', value, note: failed === 0 ? 'none failed' : '', over: failed > 0 },
  ]
}

export function figureTiles(figures: readonly Figure[]): Html | null {
  if (figures.length === 0) return null
  return html`<ul class="tiles">${each(
    figures,
    ({ name, value, note, over }) =>
      html`<li class="${over ? 'over' : 'within'}"><span>${name}</span><strong>${value}</strong><small>${note}${over && note !== '' && ' · over'}</small></li>`,
  )}</ul>`
}
