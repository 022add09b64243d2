/** The source's clock beside this process's. A beat bears the one, and when a source was declared dead, or fenced, the other says. Pure. */
import type { IsoInstant } from '../../../contracts/operation'
import type { ClockSkew } from '../../../contracts/standby'

/** More than time servers leave, and than what may be lost is told by. */
const SKEW_MS_MAX = 1_000

/** It was read at some moment between both, in milliseconds by this process's clock. */
export function skewOf(clock: IsoInstant, { from, to }: { readonly from: number; readonly to: number }): Omit<ClockSkew, 'at'> {
  return { aheadMs: Math.round(Date.parse(clock) - (from + to) / 2), withinMs: Math.ceil((to - from) / 2) + 1 }
}

/** By how much it may be ahead, in milliseconds. */
export function aheadMsMax(skew: ClockSkew | undefined): number {
  return skew === undefined ? 0 : Math.max(0, skew.aheadMs + skew.withinMs)
}

/** A sentence; null: they are in step, as far as is known. */
export function toldSkew(source: string, skew: ClockSkew | undefined): string | null {
  if (skew === undefined || Math.abs(skew.aheadMs) - skew.withinMs <= SKEW_MS_MAX) return null
  const seconds = (Math.abs(skew.aheadMs) / 1_000).toFixed(1)
  const [how, so] =
    skew.aheadMs > 0
      ? ['ahead of', 'a failover reckons what may be lost by as much more']
      : ['behind', 'a failover says by as much more than may be lost']
  return `The clock of ${source} was ${seconds} s ${how} the control plane’s when it was seen last: ${so}. Set both by the same time servers.`
}
