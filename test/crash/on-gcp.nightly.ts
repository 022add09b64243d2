import { disturbedOn } from './support/other-cloud'

disturbedOn('gcp')
