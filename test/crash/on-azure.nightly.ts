import { disturbedOn } from './support/other-cloud'

disturbedOn('azure')
