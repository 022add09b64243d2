import { workersOnlySuite } from './workers-only-suite'

workersOnlySuite(15)
workersOnlySuite(17)
