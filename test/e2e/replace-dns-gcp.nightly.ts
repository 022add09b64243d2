/** As replace-dns.crash.ts, by a name of another cloud's than the instance's, which is moved by that cloud's worker. */
import { replacedUnderItsName } from '../support/led-by-name'
import { migrating } from '../support/migrating'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))

test('a name of another cloud leads to the copy, once, though its zone’s answer is lost and its worker dies over it', () =>
  replacedUnderItsName(it, 'gcp'))
