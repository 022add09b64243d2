import { guestsSuite } from './guests-suite'

guestsSuite(17, false)
