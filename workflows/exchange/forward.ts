/** From the point of no return to the end: the cloud is told, both databases say who writes, and applications are led there. */
import type { ExchangeDataActivities } from '../../activities/exchange/contract'
import type { HostPort } from '../../contracts/endpoint'
import { type ExchangeEnd, EXCHANGE_STEPS as STEPS, type WriterProven } from '../../contracts/exchange'
import type { FailoverFence } from '../../contracts/failover'
import type { Finding, StepName } from '../../contracts/operation'
import { moveAndLetGo } from '../failover/failover'
import type { Outcome } from '../kit/operation'
import { type Exchanging, type Planned, writesAt } from './over'
import { hasStayed, wordNow } from './word'

/** Of a source that is given up. */
export interface GivenUp {
  readonly fenced: FailoverFence
  /** Before the cloud is told: from then on no fence is lifted but by a person who names the new writer. */
  readonly record: () => Promise<void>
}

export async function goForward(exchanging: Exchanging, planned: Planned, givenUp: GivenUp | null = null): Promise<Outcome> {
  const { run, act, ref } = exchanging
  const { sides, epoch } = planned
  const end = await run.forward(STEPS.exchange, {
    do: async () => {
      await givenUp?.record()
      return haveExchanged(exchanging, planned)
    },
    detail: ({ summary, outcome }) => ({ summary, outcome }),
    needed: 'the cloud may be at it still. Say that it is done once you have seen it end, one way or the other',
  })
  let tries = 0
  let word = end
  const proven = await run.forward(STEPS.prove, {
    do: async () => {
      tries += 1
      const on = { ...ref(STEPS.prove), sides }
      if (end === null || tries > 1) word = await wordNow(end, () => act.beginning.rolesNow(on))
      const asked = { ...on, cloudSays: word?.outcome ?? null }
      if (givenUp === null) return act.proving.proveWriter({ ...asked, epoch })
      return provenOfGivenUp(exchanging, asked, givenUp)
    },
    detail: ({ evidence, writer, other }) => ({ summary: evidence.join('; '), writer, other }),
    needed:
      'nobody may be led anywhere before it is known which of both takes writes. Have it tried again, which asks the cloud anew, or say that it is done once the replica alone does',
  })
  if (hasStayed(proven, word)) {
    const findings = proven === null ? [left(STEPS.prove), ledNowhere(planned, word)] : [stayed(planned, proven, end)]
    if (givenUp !== null) findings.push(staysFenced(exchanging, planned, proven))
    return { status: 'failed', verdict: 'fail', findings }
  }
  const moved = await run.forward(STEPS.move, {
    do: () =>
      givenUp === null
        ? act.traffic.moveEndpoint({ ...ref(STEPS.move), ...ways(planned) })
        : moveAndLetGo(exchanging, ways(planned), givenUp.fenced),
    detail: ({ summary, moved: how }) => ({ summary, moved: how }),
  })
  const doubted = givenUp === null ? doubts(planned, proven, word) : doubtsOfGivenUp(planned, proven, givenUp)
  const findings = [...doubted, ...(moved === null ? [left(STEPS.move)] : [])]
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

/** The new writer is ours alone before anybody is led there. */
async function provenOfGivenUp(
  { act, input, locked }: Exchanging,
  asked: Pick<Parameters<ExchangeDataActivities['proveWriter']>[0], 'operation' | 'step' | 'bundle' | 'sides' | 'cloudSays'>,
  { fenced }: GivenUp,
): Promise<WriterProven> {
  const { cloudSays: _, ...on } = asked
  const isFenced = fenced.outcome === 'proven'
  const proven = await act.proving.proveWriter({ ...asked, epoch: null, givenUp: { isFenced } })
  if (proven.writer === 'standby')
    await act.proving.raiseOnNewWriter({ ...on, lock: { scope: input.standbyLockScope, epoch: locked.standby } })
  return proven
}

async function haveExchanged({ act, ref }: Exchanging, { sides }: Planned): Promise<ExchangeEnd> {
  const on = { ...ref(STEPS.exchange), sides }
  const { refused } = await act.beginning.beginExchange(on)
  if (refused !== null) return { outcome: 'stayed', summary: refused }
  return act.awaiting.awaitExchange(on)
}

function ways({ sides, endpointAt }: Planned): { from: HostPort; to: HostPort } {
  const { source } = sides
  return { from: endpointAt ?? { host: source.host, port: source.port }, to: writesAt(sides) }
}

function stayed({ sides: { source, standby } }: Planned, proven: WriterProven, end: ExchangeEnd | null): Finding {
  if (proven.writer === 'none') {
    const said = end === null ? '' : `: ${end.summary}`
    const message = `${standby.instance} was not made the writer${said}. Nobody takes writes (${proven.evidence.join('; ')}): fail over to another standby, or lift the fence of ${source.instance}.`
    return { rule: 'exchange:no-writer', message }
  }
  if (end?.outcome === 'exchanged')
    return {
      rule: 'exchange:stayed',
      message: `${source.instance} takes writes again: after its cloud had exchanged both, somebody exchanged them back.`,
    }
  const why = end === null ? '' : `: ${end.summary}`
  return { rule: 'exchange:stayed', message: `Nothing was exchanged, and ${source.instance} takes writes as before${why}` }
}

/** A person took the databases' word out of our hands, and the cloud's newest is another than theirs. */
function ledNowhere({ sides: { source, standby } }: Planned, word: ExchangeEnd | null): Finding {
  const message = `Nobody was led to ${standby.instance}, though a person said that it takes writes: by its cloud's newest word nothing was exchanged: ${word?.summary ?? 'it does not say why'}. Where it does take writes alone, lead applications there by hand.`
  return { rule: 'exchange:stayed', message: `${message} Where ${source.instance} does, nothing is to be done.` }
}

function doubts({ sides: { source } }: Planned, proven: WriterProven | null, word: ExchangeEnd | null): Finding[] {
  if (proven === null) return [left(STEPS.prove)]
  if (proven.other === 'follows') return []
  const message = `${source.instance} could not be asked, and has not said itself what its cloud says: ${word?.summary ?? 'nothing'}.`
  return [{ rule: 'exchange:old-silent', message }]
}

/** Its own word that it replays is worth as much as a fence, and more. */
function doubtsOfGivenUp({ sides: { source } }: Planned, proven: WriterProven | null, { fenced }: GivenUp): Finding[] {
  if (proven === null) return [left(STEPS.prove)]
  if (proven.other === 'follows' || fenced.outcome === 'proven') return []
  const whose =
    fenced.acknowledged === null ? '' : ` ${fenced.acknowledged.by} took that upon himself: ${fenced.acknowledged.reason}`
  const message = `${source.instance} is not proven fenced (${fenced.evidence.join('; ')}), and has not said that it follows: whoever reaches it may still write there.${whose}`
  return [{ rule: 'exchange:unfenced', message }]
}

function staysFenced({ input }: Exchanging, { sides: { source } }: Planned, proven: WriterProven | null): Finding {
  // what a person said withdraws nothing
  const named = proven === null ? ` --writer ${input.standby}` : ''
  const message = `${source.instance} stays fenced as far as it is. Where it is to go on as the writer: "capstan fence lift ${source.instance}${named}".`
  return { rule: 'exchange:stays-fenced', message }
}

function left({ id, title }: StepName): Finding {
  return { rule: `left:${id}`, message: `“${title}” was not done by the operation: a person decided so.` }
}
