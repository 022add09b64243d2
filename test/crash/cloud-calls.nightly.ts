import { callsDisturbed } from './support/cloud-calls'

callsDisturbed('throttled', 'failing')
