import { killedAt } from './support/kills'

killedAt('before', 'remote')
