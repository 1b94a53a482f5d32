# Ciò che leggono i clienti.

channel-name = { $channel ->
    [webchat] Chat web
    [email] E-mail
   *[other] { $label }
}

field-email = Indirizzo e-mail
field-name = Nome
field-phone = Numero di telefono
field-user-name = Nome utente
field-user-id = Numero cliente
field-locale = Lingua
field-other = Altri dati del suo conto

until-minutes = { $minutes ->
    [one] { $clock } UTC, ancora un minuto
   *[other] { $clock } UTC, ancora { $minutes } minuti
}
until-hours = { $hours ->
    [one] { $clock } UTC, ancora un’ora
   *[other] { $clock } UTC, ancora { $hours } ore
}
until-days = { $date }, { $clock } UTC

landing-heading = Accedi a { $tenant }
landing-lead = Ha ricevuto questo link in una chat. Accedendo dimostra a { $tenant } che è davvero lei.
landing-facts = Informazioni su questo accesso
landing-chat = La sua chat
landing-provider = Accederà presso
landing-shares = { $tenant } riceverà
landing-shares-nothing = Solo che ha effettuato l’accesso
landing-expires = Questo link è valido fino a
landing-password = Inserisca la password solo su { $host }, mai nella chat.
landing-continue = Continua
landing-unasked = Se non l’ha richiesto, chiuda questa pagina.
landing-decline = Non ero io

decline-heading = Fermare questo accesso?
decline-lead = Il link smetterà di funzionare e { $tenant } saprà che non l’ha richiesto lei.
decline-confirm = Sì, non ero io
decline-back = Indietro
declined-heading = L’accesso è stato fermato
declined-lead = Il link non funziona più e nulla che la riguarda è stato comunicato. Può chiudere questa pagina.

completed-heading = Accesso effettuato
completed-lead = { $tenant } ora sa che è lei. Può continuare nella chat e chiudere questa pagina.
back-to-chat = Torna alla chat
away-heading = Ci siamo quasi
away-lead = Torni alla chat. Appena la chat conferma che è stata la sua persona, { $tenant } lo saprà.
away-failed-heading = L’accesso non è riuscito
away-failed-lead = Torni alla chat. Lì può accedere di nuovo o chiedere un nuovo messaggio.

provisional-heading = Un ultimo passo
provisional-lead = Invii questo codice nella chat in cui l’ha richiesto. Lo scriva solo lì.
provisional-code = Il suo codice
provisional-spelled = Uno alla volta: { $letters }
provisional-until = Il codice è valido fino a
provisional-warning = Chi invia questo codice viene preso per lei. Non lo dia a nessuno che la chiami o le scriva altrove.

working-heading = Un momento, per favore
working-lead = Stiamo completando il suo accesso. Questa pagina si aggiorna da sola.

denied-heading = Non ha effettuato l’accesso
denied-lead = Ha rifiutato presso { $provider }. Va bene così: nulla che la riguarda è stato comunicato.
late-heading = È passato troppo tempo
late-lead = Il suo accesso presso { $provider } non è più valido. Riprovi, per favore.
busy-heading = { $provider } non risponde
busy-lead = Non è colpa sua. Attenda qualche minuto e riprovi.
setup-heading = L’accesso non funziona
setup-lead = Non è colpa sua, e riprovare non servirà. Comunichi a { $tenant }, nella chat, il riferimento qui sotto.
missing-heading = Manca un dato
missing-lead = Al suo conto presso { $provider } manca un dato di cui { $tenant } ha bisogno. Comunichi nella chat il riferimento qui sotto.
unconfirmed-heading = Il codice è scaduto
unconfirmed-lead = Non è stato inviato in tempo nella chat. Può accedere di nuovo per riceverne un altro.
spent-heading = Troppi codici errati
spent-lead = Per la sua sicurezza questo accesso è stato fermato. Può accedere di nuovo per ricevere un altro codice.
voided-heading = Ha effettuato un nuovo accesso
voided-lead = Un accesso più recente ha sostituito questo. Usi il codice della pagina più recente.
interrupted-heading = Il suo accesso è stato interrotto
interrupted-lead = Qualcosa ci ha fermati a metà strada. Riprovi, per favore.
ours-heading = Qualcosa è andato storto
ours-lead = La colpa è nostra, non sua. Riprovi tra qualche minuto.
nothing-shared = Nulla che la riguarda è stato comunicato.
try-again = Riprova
reference = Riferimento

expired-heading = Questo link è scaduto
expired-lead = Per la sua sicurezza i link di accesso durano poco. Ne chieda uno nuovo nella chat.
cancelled-heading = Questo link è stato ritirato
cancelled-lead = Non può più essere usato. Se le serve ancora, ne chieda uno nuovo nella chat.
superseded-heading = C’è un link più recente
superseded-lead = Usi l’ultimo messaggio di accesso nella sua chat.
done-heading = Questo link è già stato usato
done-lead = L’accesso è completo. Può continuare nella chat e chiudere questa pagina.
unknown-heading = Questa pagina non esiste
unknown-lead = Forse manca una parte del link. Lo apra di nuovo dalla chat o ne chieda uno nuovo.
neutral-heading = Questo accesso non può continuare
neutral-lead = Torni alla chat e apra di nuovo il link. Se non basta, ne chieda uno nuovo.
wrong-host-heading = Qui non c’è nulla
wrong-host-lead = Nessuna azienda risponde a questo indirizzo. Controlli il link.
forbidden-heading = Cominci dal link
forbidden-lead = Questo passo non è iniziato sulla nostra pagina. Apra di nuovo il link dalla chat.
too-many-heading = Troppi tentativi
too-many-lead = Attenda un momento e riprovi.
too-often-heading = Questo link è stato aperto troppe volte
too-often-lead = Ne chieda uno nuovo nella chat.
unavailable-heading = Torniamo subito
unavailable-lead = L’accesso non è disponibile in questo momento. Riprovi tra un minuto.
method-heading = Questa pagina non può farlo
method-lead = Apra di nuovo il link dalla chat.
too-large-heading = Era troppo
too-large-lead = La richiesta è più grande di quanto accettiamo. Apra di nuovo il link dalla chat.

letter-subject = Il suo codice di accesso a { $tenant }
letter-lead = Scriva questo codice dove l’ha richiesto per accedere a { $tenant }.
letter-good = È valido per { $minutes } minuti e una sola volta.
letter-warning = Nessuno di { $tenant } le chiederà mai questo codice. Non lo dia a nessuno che la chiami o le scriva.
letter-unasked = Se non l’ha richiesto, non faccia nulla: senza il codice nessuno può entrare.

consent-heading = Accedi a { $app }
consent-lead = Acceda con il suo account presso { $tenant }. { $app } agirà poi per lei, con quanto indicato qui e nient’altro.
consent-asks = { $app } potrà
consent-return = Poi tornerà a { $host }, che non vedrà mai la sua password.
consent-provider = Continua con { $provider }
consent-cancel = Annulla
scope-openid = Sapere chi è lei
scope-profile = Vedere il suo nome e la sua lingua
scope-email = Vedere il suo indirizzo e-mail
scope-phone = Vedere il suo numero di telefono
scope-offline = Mantenere l’accesso
scope-read-profile = Vedere tutto il suo profilo e come accede
scope-write-profile = Modificare il suo profilo e come accede
scope-other = Usare l’autorizzazione { $scope }
app-unknown-heading = Questo accesso non può iniziare
app-unknown-lead = L’app che l’ha inviata qui non è nota, oppure vuole la risposta a un indirizzo che non è suo. Nulla su di lei è stato trasmesso. Torni all’app e riprovi.
emailed-send = Inviami un codice
emailed-heading = Digiti il codice
emailed-lead = Se può accedere con { $address }, sei cifre sono in arrivo. Valgono { $minutes } minuti.
emailed-code = Codice
emailed-no-address = Questo non è un indirizzo e-mail.
emailed-wrong = Non è il codice giusto. Tentativi rimasti: { $left }
emailed-over = Questo codice non vale più. Ne chieda uno nuovo.

preview = Accedi per continuare la chat
inapp-heading = Apri questa pagina nel tuo browser
inapp-lead = { $provider } potrebbe rifiutare l’accesso all’interno di un’app. Apri questa pagina nel browser del telefono.
inapp-open = Apri nel browser
inapp-how = Oppure scegli «Apri nel browser» nel menu di questa finestra, o copia questo indirizzo nel tuo browser:
inapp-address = Indirizzo di questa pagina
inapp-anyway = Prova comunque qui

card-window = si apre in una nuova finestra
card-opened = Prosegui nell’altra finestra.
card-blocked = Il tuo browser ha impedito l’apertura della finestra.
card-page = Apri la pagina di accesso
card-code = Ultimo passo: invia il codice della pagina di accesso come messaggio in questa chat.
card-done = Accesso effettuato.
card-again = Non ha funzionato. Riprova.
card-over = Questo accesso è terminato. Chiedine uno nuovo nella chat.
