# Was Kundinnen und Kunden lesen.

channel-name = { $channel ->
    [webchat] Web-Chat
    [email] E-Mail
   *[other] { $label }
}

field-email = E-Mail-Adresse
field-name = Name
field-phone = Telefonnummer
field-user-name = Benutzername
field-user-id = Kundennummer
field-locale = Sprache
field-other = Weitere Angaben aus Ihrem Konto

until-minutes = { $minutes ->
    [one] { $clock } UTC, noch eine Minute
   *[other] { $clock } UTC, noch { $minutes } Minuten
}
until-hours = { $hours ->
    [one] { $clock } UTC, noch eine Stunde
   *[other] { $clock } UTC, noch { $hours } Stunden
}
until-days = { $date }, { $clock } UTC

landing-heading = Bei { $tenant } anmelden
landing-lead = Sie haben diesen Link in einem Chat erhalten. Mit der Anmeldung zeigen Sie { $tenant }, dass wirklich Sie es sind.
landing-facts = Über diese Anmeldung
landing-chat = Ihr Chat
landing-provider = Sie melden sich an bei
landing-shares = { $tenant } erhält
landing-shares-nothing = Nur, dass Sie sich angemeldet haben
landing-expires = Dieser Link gilt bis
landing-password = Geben Sie Ihr Passwort nur auf { $host } ein, nie im Chat.
landing-continue = Weiter
landing-unasked = Wenn Sie nicht darum gebeten haben, schließen Sie diese Seite.
landing-decline = Das war ich nicht

decline-heading = Diese Anmeldung beenden?
decline-lead = Der Link wird ungültig, und { $tenant } erfährt, dass Sie nicht darum gebeten haben.
decline-confirm = Ja, das war ich nicht
decline-back = Zurück
declined-heading = Die Anmeldung wurde beendet
declined-lead = Der Link ist nicht mehr gültig, und nichts über Sie wurde weitergegeben. Sie können diese Seite schließen.

completed-heading = Sie sind angemeldet
completed-lead = { $tenant } weiß jetzt, dass Sie es sind. Sie können im Chat weiterschreiben und diese Seite schließen.
back-to-chat = Zurück zum Chat
away-heading = Gleich geschafft
away-lead = Gehen Sie zurück zum Chat. Sobald der Chat bestätigt, dass Sie es waren, weiß es { $tenant }.
away-failed-heading = Diese Anmeldung hat nicht geklappt
away-failed-lead = Gehen Sie zurück zum Chat. Dort können Sie sich noch einmal anmelden oder um eine neue Nachricht bitten.

provisional-heading = Noch ein letzter Schritt
provisional-lead = Senden Sie diesen Code in dem Chat, in dem Sie darum gebeten haben. Geben Sie ihn nur dort ein.
provisional-code = Ihr Code
provisional-spelled = Zeichen für Zeichen: { $letters }
provisional-until = Der Code gilt bis
provisional-warning = Wer diesen Code sendet, gilt als Sie. Geben Sie ihn niemandem, der Sie anruft oder Ihnen anderswo schreibt.

working-heading = Einen Moment bitte
working-lead = Ihre Anmeldung wird abgeschlossen. Diese Seite lädt von selbst neu.

denied-heading = Sie haben sich nicht angemeldet
denied-lead = Sie haben bei { $provider } abgelehnt. Das ist in Ordnung: Nichts über Sie wurde weitergegeben.
late-heading = Das hat zu lange gedauert
late-lead = Ihre Anmeldung bei { $provider } ist nicht mehr gültig. Bitte versuchen Sie es noch einmal.
busy-heading = { $provider } antwortet nicht
busy-lead = Das liegt nicht an Ihnen. Bitte warten Sie einige Minuten und versuchen Sie es dann erneut.
setup-heading = Die Anmeldung ist gestört
setup-lead = Das liegt nicht an Ihnen, und ein neuer Versuch hilft nicht. Bitte nennen Sie { $tenant } im Chat die Referenz unten.
missing-heading = Eine Angabe fehlt
missing-lead = In Ihrem Konto bei { $provider } fehlt eine Angabe, die { $tenant } braucht. Bitte nennen Sie im Chat die Referenz unten.
unconfirmed-heading = Der Code ist abgelaufen
unconfirmed-lead = Er wurde nicht rechtzeitig im Chat gesendet. Melden Sie sich noch einmal an, dann erhalten Sie einen neuen.
spent-heading = Zu viele falsche Codes
spent-lead = Zu Ihrer Sicherheit wurde diese Anmeldung beendet. Melden Sie sich noch einmal an, dann erhalten Sie einen neuen Code.
voided-heading = Sie haben sich erneut angemeldet
voided-lead = Eine neuere Anmeldung hat diese ersetzt. Verwenden Sie den Code der neueren Seite.
interrupted-heading = Ihre Anmeldung wurde unterbrochen
interrupted-lead = Wir wurden mittendrin angehalten. Bitte versuchen Sie es noch einmal.
ours-heading = Etwas ist schiefgegangen
ours-lead = Der Fehler liegt bei uns, nicht bei Ihnen. Bitte versuchen Sie es in einigen Minuten erneut.
nothing-shared = Nichts über Sie wurde weitergegeben.
try-again = Noch einmal versuchen
reference = Referenz

expired-heading = Dieser Link ist abgelaufen
expired-lead = Zu Ihrer Sicherheit gelten Anmeldelinks nur kurze Zeit. Bitten Sie im Chat um einen neuen.
cancelled-heading = Dieser Link wurde zurückgezogen
cancelled-lead = Er kann nicht mehr verwendet werden. Wenn Sie ihn noch brauchen, bitten Sie im Chat um einen neuen.
superseded-heading = Es gibt einen neueren Link
superseded-lead = Bitte verwenden Sie die letzte Anmeldenachricht in Ihrem Chat.
done-heading = Dieser Link wurde schon verwendet
done-lead = Die Anmeldung ist abgeschlossen. Sie können im Chat weiterschreiben und diese Seite schließen.
unknown-heading = Diese Seite gibt es nicht
unknown-lead = Vielleicht fehlt ein Teil des Links. Öffnen Sie ihn noch einmal aus dem Chat oder bitten Sie um einen neuen.
neutral-heading = Diese Anmeldung kann nicht fortgesetzt werden
neutral-lead = Gehen Sie zurück zum Chat und öffnen Sie den Link noch einmal. Hilft das nicht, bitten Sie um einen neuen.
wrong-host-heading = Hier ist nichts
wrong-host-lead = Unter dieser Adresse finden Sie kein Unternehmen. Bitte prüfen Sie den Link.
forbidden-heading = Bitte beginnen Sie beim Link
forbidden-lead = Dieser Schritt wurde nicht auf unserer Seite begonnen. Öffnen Sie den Link noch einmal aus dem Chat.
too-many-heading = Zu viele Versuche
too-many-lead = Bitte warten Sie einen Moment und versuchen Sie es dann erneut.
too-often-heading = Dieser Link wurde zu oft geöffnet
too-often-lead = Bitten Sie im Chat um einen neuen.
unavailable-heading = Wir sind gleich wieder da
unavailable-lead = Die Anmeldung ist gerade nicht verfügbar. Bitte versuchen Sie es in einer Minute erneut.
method-heading = Das kann diese Seite nicht
method-lead = Bitte öffnen Sie den Link noch einmal aus dem Chat.
too-large-heading = Das war zu viel
too-large-lead = Die Anfrage war größer, als wir annehmen. Bitte öffnen Sie den Link noch einmal aus dem Chat.

letter-subject = Ihr Anmeldecode für { $tenant }
letter-lead = Geben Sie diesen Code dort ein, wo Sie ihn angefordert haben, um sich bei { $tenant } anzumelden.
letter-good = Er gilt { $minutes } Minuten lang und nur einmal.
letter-warning = Niemand von { $tenant } wird Sie je nach diesem Code fragen. Geben Sie ihn niemandem, der Sie anruft oder Ihnen schreibt.
letter-unasked = Wenn Sie nicht darum gebeten haben, müssen Sie nichts tun: Ohne den Code kommt niemand hinein.

consent-heading = Bei { $app } anmelden
consent-lead = Melden Sie sich mit Ihrem Konto bei { $tenant } an. { $app } handelt dann für Sie, mit dem, was hier steht, und sonst nichts.
consent-asks = { $app } darf
consent-return = Danach kommen Sie zurück zu { $host }. Ihr Passwort wird dort nie gesehen.
consent-provider = Weiter mit { $provider }
consent-cancel = Abbrechen
scope-openid = Wissen, wer Sie sind
scope-profile = Ihren Namen und Ihre Sprache sehen
scope-email = Ihre E-Mail-Adresse sehen
scope-phone = Ihre Telefonnummer sehen
scope-offline = Sie angemeldet lassen
scope-read-profile = Ihr ganzes Profil sehen, auch wie Sie sich anmelden
scope-write-profile = Ihr Profil ändern, auch wie Sie sich anmelden
scope-other = Die Berechtigung { $scope } nutzen
app-unknown-heading = Diese Anmeldung kann nicht beginnen
app-unknown-lead = Die App, die Sie hierher geschickt hat, ist nicht bekannt oder möchte die Antwort an einer fremden Adresse. Über Sie wurde nichts weitergegeben. Gehen Sie zurück zur App und versuchen Sie es noch einmal.
emailed-send = Code zusenden
emailed-heading = Code eingeben
emailed-lead = Wenn Sie sich mit { $address } anmelden können, sind sechs Ziffern dorthin unterwegs. Sie gelten { $minutes } Minuten.
emailed-code = Code
emailed-no-address = Das ist keine E-Mail-Adresse.
emailed-wrong = Das ist nicht der Code. Verbleibende Versuche: { $left }
emailed-over = Dieser Code gilt nicht mehr. Fordern Sie einen neuen an.

preview = Anmelden, um den Chat fortzusetzen
inapp-heading = Öffnen Sie diese Seite in Ihrem Browser
inapp-lead = { $provider } verweigert die Anmeldung womöglich innerhalb einer App. Öffnen Sie diese Seite im Browser Ihres Telefons.
inapp-open = Im Browser öffnen
inapp-how = Oder wählen Sie im Menü dieses Fensters „Im Browser öffnen“, oder kopieren Sie diese Adresse in Ihren Browser:
inapp-address = Adresse dieser Seite
inapp-anyway = Trotzdem hier versuchen

card-window = öffnet ein neues Fenster
card-opened = Bitte machen Sie im anderen Fenster weiter.
card-blocked = Ihr Browser hat das Fenster nicht geöffnet.
card-page = Anmeldeseite öffnen
card-code = Noch ein letzter Schritt: Senden Sie den Code der Anmeldeseite als Nachricht in diesem Chat.
card-done = Sie sind angemeldet.
card-again = Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.
card-over = Diese Anmeldung ist beendet. Bitten Sie im Chat um eine neue.
