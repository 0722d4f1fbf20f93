// The page starts here: it draws the shell, asks the server how it is, and keeps itself for later.

import van from 'vanjs-core'
import { keepOffline } from './state/offline.ts'
import { connect } from './state/server.ts'
import './style/tokens.css'
import './style/base.css'
import './style/shell.css'
import './style/chat.css'
import './style/extract.css'
import './style/hood.css'
import { Shell } from './views/shell/Shell.ts'

van.add(document.getElementById('app')!, Shell())
connect()
keepOffline()
