# Wat klanten lezen.

channel-name = { $channel ->
    [webchat] Webchat
    [email] E-mail
   *[other] { $label }
}

field-email = E-mailadres
field-name = Naam
field-phone = Telefoonnummer
field-user-name = Gebruikersnaam
field-user-id = Klantnummer
field-locale = Taal
field-other = Andere gegevens van uw account

until-minutes = { $minutes ->
    [one] { $clock } UTC, nog één minuut
   *[other] { $clock } UTC, nog { $minutes } minuten
}
until-hours = { $hours ->
    [one] { $clock } UTC, nog één uur
   *[other] { $clock } UTC, nog { $hours } uur
}
until-days = { $date }, { $clock } UTC

landing-heading = Inloggen bij { $tenant }
landing-lead = U hebt deze link in een chat gekregen. Door in te loggen laat u { $tenant } zien dat u het echt bent.
landing-facts = Over deze aanmelding
landing-chat = Uw chat
landing-provider = U logt in bij
landing-shares = { $tenant } ontvangt
landing-shares-nothing = Alleen dat u bent ingelogd
landing-expires = Deze link is geldig tot
landing-password = Typ uw wachtwoord alleen op { $host }, nooit in de chat.
landing-continue = Doorgaan
landing-unasked = Hebt u hier niet om gevraagd? Sluit dan deze pagina.
landing-decline = Dit was ik niet

decline-heading = Deze aanmelding stoppen?
decline-lead = De link werkt dan niet meer, en { $tenant } hoort dat u er niet om hebt gevraagd.
decline-confirm = Ja, dit was ik niet
decline-back = Terug
declined-heading = Deze aanmelding is gestopt
declined-lead = De link werkt niet meer en er is niets over u doorgegeven. U kunt deze pagina sluiten.

completed-heading = U bent ingelogd
completed-lead = { $tenant } weet nu dat u het bent. U kunt verdergaan in de chat en deze pagina sluiten.
back-to-chat = Terug naar de chat
away-heading = Bijna klaar
away-lead = Ga terug naar de chat. Zodra de chat bevestigt dat u het was, weet { $tenant } het.
away-failed-heading = Dit inloggen is niet gelukt
away-failed-lead = Ga terug naar de chat. Daar kunt u nog eens inloggen of om een nieuw bericht vragen.

provisional-heading = Nog één stap
provisional-lead = Stuur deze code in de chat waar u erom vroeg. Typ hem alleen daar.
provisional-code = Uw code
provisional-spelled = Eén voor één: { $letters }
provisional-until = De code is geldig tot
provisional-warning = Wie deze code stuurt, wordt voor u gehouden. Geef hem aan niemand die u belt of u elders schrijft.

working-heading = Een ogenblik
working-lead = Uw aanmelding wordt afgerond. Deze pagina ververst vanzelf.

denied-heading = U bent niet ingelogd
denied-lead = U hebt bij { $provider } nee gezegd. Dat is prima: er is niets over u doorgegeven.
late-heading = Dat duurde te lang
late-lead = Uw aanmelding bij { $provider } is niet meer geldig. Probeer het nog eens.
busy-heading = { $provider } antwoordt niet
busy-lead = Dit ligt niet aan u. Wacht een paar minuten en probeer het opnieuw.
setup-heading = Inloggen werkt nu niet
setup-lead = Dit ligt niet aan u, en opnieuw proberen helpt niet. Meld { $tenant } in de chat de referentie hieronder.
missing-heading = Er ontbreekt een gegeven
missing-lead = In uw account bij { $provider } ontbreekt een gegeven dat { $tenant } nodig heeft. Meld in de chat de referentie hieronder.
unconfirmed-heading = De code is verlopen
unconfirmed-lead = Hij is niet op tijd in de chat gestuurd. U kunt opnieuw inloggen voor een nieuwe code.
spent-heading = Te veel verkeerde codes
spent-lead = Voor uw veiligheid is deze aanmelding gestopt. U kunt opnieuw inloggen voor een nieuwe code.
voided-heading = U hebt opnieuw ingelogd
voided-lead = Een nieuwere aanmelding heeft deze vervangen. Gebruik de code van de nieuwere pagina.
interrupted-heading = Uw aanmelding werd onderbroken
interrupted-lead = Iets hield ons halverwege tegen. Probeer het nog eens.
ours-heading = Er ging iets mis
ours-lead = Dit ligt aan ons, niet aan u. Probeer het over een paar minuten opnieuw.
nothing-shared = Er is niets over u doorgegeven.
try-again = Opnieuw proberen
reference = Referentie

expired-heading = Deze link is verlopen
expired-lead = Voor uw veiligheid werken inloglinks maar kort. Vraag in de chat om een nieuwe.
cancelled-heading = Deze link is ingetrokken
cancelled-lead = Hij kan niet meer worden gebruikt. Hebt u hem nog nodig, vraag dan in de chat om een nieuwe.
superseded-heading = Er is een nieuwere link
superseded-lead = Gebruik het laatste inlogbericht in uw chat.
done-heading = Deze link is al gebruikt
done-lead = De aanmelding is voltooid. U kunt verdergaan in de chat en deze pagina sluiten.
unknown-heading = Deze pagina bestaat niet
unknown-lead = Misschien ontbreekt een deel van de link. Open hem nog eens vanuit de chat of vraag om een nieuwe.
neutral-heading = Deze aanmelding kan niet verdergaan
neutral-lead = Ga terug naar de chat en open de link nog eens. Helpt dat niet, vraag dan om een nieuwe.
wrong-host-heading = Hier is niets
wrong-host-lead = Op dit adres is geen bedrijf te vinden. Controleer de link.
forbidden-heading = Begin bij de link
forbidden-lead = Deze stap is niet op onze pagina begonnen. Open de link nog eens vanuit de chat.
too-many-heading = Te veel pogingen
too-many-lead = Wacht even en probeer het opnieuw.
too-often-heading = Deze link is te vaak geopend
too-often-lead = Vraag in de chat om een nieuwe.
unavailable-heading = We zijn zo terug
unavailable-lead = Inloggen is nu even niet mogelijk. Probeer het over een minuut opnieuw.
method-heading = Dat kan deze pagina niet
method-lead = Open de link nog eens vanuit de chat.
too-large-heading = Dat was te veel
too-large-lead = De aanvraag was groter dan wij aannemen. Open de link nog eens vanuit de chat.

letter-subject = Uw inlogcode voor { $tenant }
letter-lead = Typ deze code waar u erom vroeg om in te loggen bij { $tenant }.
letter-good = De code is { $minutes } minuten geldig en werkt één keer.
letter-warning = Niemand van { $tenant } zal u ooit om deze code vragen. Geef hem aan niemand die u belt of schrijft.
letter-unasked = Hebt u er niet om gevraagd? Dan hoeft u niets te doen: zonder de code komt niemand binnen.

consent-heading = Inloggen bij { $app }
consent-lead = Log in met uw account bij { $tenant }. { $app } handelt dan namens u, met wat hier staat en niets anders.
consent-asks = { $app } mag
consent-return = Daarna keert u terug naar { $host }. Uw wachtwoord is daar nooit te zien.
consent-provider = Doorgaan met { $provider }
consent-cancel = Annuleren
scope-openid = Weten wie u bent
scope-profile = Uw naam en taal zien
scope-email = Uw e-mailadres zien
scope-phone = Uw telefoonnummer zien
scope-offline = U ingelogd houden
scope-read-profile = Uw hele profiel zien en hoe u inlogt
scope-write-profile = Uw profiel wijzigen en hoe u inlogt
scope-other = De toestemming { $scope } gebruiken
app-unknown-heading = Deze aanmelding kan niet beginnen
app-unknown-lead = De app die u hierheen stuurde is niet bekend, of wil het antwoord op een adres dat niet van haar is. Er is niets over u doorgegeven. Ga terug naar de app en probeer het opnieuw.
emailed-send = Stuur mij een code
emailed-heading = Typ uw code
emailed-lead = Als u met { $address } kunt inloggen, zijn zes cijfers daarheen onderweg. Ze gelden { $minutes } minuten.
emailed-code = Code
emailed-no-address = Dit is geen e-mailadres.
emailed-wrong = Dat is niet de code. Resterende pogingen: { $left }
emailed-over = Deze code geldt niet meer. Vraag een nieuwe aan.

preview = Log in om uw chat voort te zetten
inapp-heading = Open deze pagina in uw browser
inapp-lead = { $provider } kan het inloggen binnen een app weigeren. Open deze pagina in de browser van uw telefoon.
inapp-open = In de browser openen
inapp-how = Of kies ‘Openen in browser’ in het menu van dit venster, of kopieer dit adres naar uw browser:
inapp-address = Adres van deze pagina
inapp-anyway = Toch hier proberen

card-window = opent in een nieuw venster
card-opened = Ga verder in het andere venster.
card-blocked = Uw browser heeft het venster niet geopend.
card-page = De inlogpagina openen
card-code = Nog één stap: stuur de code van de inlogpagina als bericht in deze chat.
card-done = U bent ingelogd.
card-again = Dat is niet gelukt. Probeer het opnieuw.
card-over = Deze aanmelding is voorbij. Vraag in de chat om een nieuwe.
