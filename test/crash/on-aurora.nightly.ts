import { disturbedOnAurora } from './support/other-cloud'

disturbedOnAurora()
