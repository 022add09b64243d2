/** An instance says that it can take changes, and refuses them for a while still. */
import { time } from '../kind'
import { CALLS, type PlainKind, type Wording } from './acting'

export function busyTail({ busy }: Wording): PlainKind {
  return {
    ...CALLS,
    summary: busy.says,
    operations: busy.operations,
    times: null,
    takesDelay: false,
    settings: { tail: time(5_000) },
    keepsBusy: ({ settings }, { availableAt }, now) =>
      availableAt !== undefined && now < Date.parse(availableAt) + Number(settings.tail),
  }
}
