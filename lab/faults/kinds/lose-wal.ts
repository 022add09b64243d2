/** The newest segment of an instance's archived log is gone: no moment behind it can be reached until there is a newer backup. */
import { INSTANCES, type PlainKind } from './acting'

export const loseWal: PlainKind = {
  ...INSTANCES,
  summary: 'what an instance wrote last is archived, then that segment of its log is gone: later moments cannot be restored',
  effect: { begin: (patient) => patient.loseLog() },
}
