/** A replacement that applications find by a name of Route 53. The others: replace-dns-azure.nightly.ts, replace-dns-gcp.nightly.ts. */
import { replacedUnderItsName } from '../support/led-by-name'
import { migrating } from '../support/migrating'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))

test('a name leads to the copy, once, though its zone’s answer is lost and its worker dies over it', () =>
  replacedUnderItsName(it, 'aws'))
