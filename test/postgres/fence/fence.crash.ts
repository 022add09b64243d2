import { fenceSuite } from './suite'

fenceSuite(15, true)
fenceSuite(17, true)
