import { killedAt } from './support/kills'

killedAt('result', 'remote')
