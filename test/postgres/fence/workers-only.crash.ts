import { workersOnlySuite } from './workers-only-suite'

workersOnlySuite(15)
