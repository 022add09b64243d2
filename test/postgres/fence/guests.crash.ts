import { guestsSuite } from './guests-suite'

guestsSuite(15, true)
guestsSuite(17, true)
