/** What a copy of an instance is made from. */
import type { IsoInstant } from './operation'

export type RestorePoint =
  /** Of the instance's own snapshots, by its name in the cloud. */
  /** `deleted`: of an instance that it had before, which is gone or was replaced by another one of its name. */
  /** `region`: of a copy in another region than the instance's, which is restored there. */
  | { readonly kind: 'snapshot'; readonly snapshot: string; readonly deleted?: true; readonly region?: string }
  /** Of the instance's restore window. */
  | { readonly kind: 'moment'; readonly at: IsoInstant }

/** `snapshot X in eu-west-1`; the region only of a copy in another one. */
export function shownSnapshot({ snapshot, region }: { readonly snapshot: string; readonly region?: string }): string {
  return `snapshot ${snapshot}${region === undefined ? '' : ` in ${region}`}`
}
