import { fenceSuite } from './suite'

fenceSuite(17, false)
