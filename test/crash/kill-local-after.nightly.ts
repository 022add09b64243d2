import { killedAt } from './support/kills'

killedAt('after', 'local')
