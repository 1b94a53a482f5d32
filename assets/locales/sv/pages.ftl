# Det som kunder läser.

channel-name = { $channel ->
    [webchat] Webbchatt
    [email] E-post
   *[other] { $label }
}

field-email = E-postadress
field-name = Namn
field-phone = Telefonnummer
field-user-name = Användarnamn
field-user-id = Kundnummer
field-locale = Språk
field-other = Andra uppgifter från ditt konto

until-minutes = { $minutes ->
    [one] { $clock } UTC, en minut till
   *[other] { $clock } UTC, { $minutes } minuter till
}
until-hours = { $hours ->
    [one] { $clock } UTC, en timme till
   *[other] { $clock } UTC, { $hours } timmar till
}
until-days = { $date }, { $clock } UTC

landing-heading = Logga in hos { $tenant }
landing-lead = Du fick den här länken i en chatt. Genom att logga in visar du { $tenant } att det verkligen är du.
landing-facts = Om den här inloggningen
landing-chat = Din chatt
landing-provider = Du loggar in hos
landing-shares = { $tenant } får veta
landing-shares-nothing = Bara att du har loggat in
landing-expires = Länken gäller till
landing-password = Skriv ditt lösenord bara på { $host }, aldrig i chatten.
landing-continue = Fortsätt
landing-unasked = Om du inte har bett om det här, stäng sidan.
landing-decline = Det var inte jag

decline-heading = Stoppa inloggningen?
decline-lead = Länken slutar att fungera, och { $tenant } får veta att du inte har bett om den.
decline-confirm = Ja, det var inte jag
decline-back = Tillbaka
declined-heading = Inloggningen har stoppats
declined-lead = Länken fungerar inte längre och inget om dig har lämnats ut. Du kan stänga sidan.

completed-heading = Du är inloggad
completed-lead = { $tenant } vet nu att det är du. Du kan fortsätta i chatten och stänga sidan.
back-to-chat = Tillbaka till chatten
away-heading = Snart klart
away-lead = Gå tillbaka till chatten. Så snart chatten bekräftar att det var du får { $tenant } veta det.
away-failed-heading = Inloggningen lyckades inte
away-failed-lead = Gå tillbaka till chatten. Där kan du logga in igen eller be om ett nytt meddelande.

provisional-heading = Ett sista steg
provisional-lead = Skicka den här koden i chatten där du bad om den. Skriv den bara där.
provisional-code = Din kod
provisional-spelled = En i taget: { $letters }
provisional-until = Koden gäller till
provisional-warning = Den som skickar koden tas för dig. Ge den inte till någon som ringer dig eller skriver till dig någon annanstans.

working-heading = Ett ögonblick
working-lead = Din inloggning slutförs. Sidan uppdateras av sig själv.

denied-heading = Du loggade inte in
denied-lead = Du sa nej hos { $provider }. Det går bra: inget om dig har lämnats ut.
late-heading = Det tog för lång tid
late-lead = Din inloggning hos { $provider } gäller inte längre. Försök en gång till.
busy-heading = { $provider } svarar inte
busy-lead = Det är inte ditt fel. Vänta några minuter och försök igen.
setup-heading = Inloggningen fungerar inte
setup-lead = Det är inte ditt fel, och det hjälper inte att försöka igen. Berätta för { $tenant } i chatten och ange referensen nedan.
missing-heading = En uppgift saknas
missing-lead = Ditt konto hos { $provider } saknar en uppgift som { $tenant } behöver. Berätta det i chatten och ange referensen nedan.
unconfirmed-heading = Koden har gått ut
unconfirmed-lead = Den skickades inte i chatten i tid. Du kan logga in igen för att få en ny.
spent-heading = För många felaktiga koder
spent-lead = För din säkerhet stoppades inloggningen. Du kan logga in igen för att få en ny kod.
voided-heading = Du loggade in igen
voided-lead = En nyare inloggning har ersatt den här. Använd koden på den nyare sidan.
interrupted-heading = Din inloggning avbröts
interrupted-lead = Något stoppade oss halvvägs. Försök en gång till.
ours-heading = Något gick fel
ours-lead = Det är vårt fel, inte ditt. Försök igen om några minuter.
nothing-shared = Inget om dig har lämnats ut.
try-again = Försök igen
reference = Referens

expired-heading = Länken har gått ut
expired-lead = För din säkerhet gäller inloggningslänkar bara en kort tid. Be om en ny i chatten.
cancelled-heading = Länken har tagits tillbaka
cancelled-lead = Den kan inte längre användas. Om du fortfarande behöver den, be om en ny i chatten.
superseded-heading = Det finns en nyare länk
superseded-lead = Använd det senaste inloggningsmeddelandet i din chatt.
done-heading = Länken har redan använts
done-lead = Inloggningen är klar. Du kan fortsätta i chatten och stänga sidan.
unknown-heading = Sidan finns inte
unknown-lead = Kanske saknas en del av länken. Öppna den igen från chatten eller be om en ny.
neutral-heading = Inloggningen kan inte fortsätta
neutral-lead = Gå tillbaka till chatten och öppna länken igen. Om det inte hjälper, be om en ny.
wrong-host-heading = Här finns inget
wrong-host-lead = Inget företag finns på den här adressen. Kontrollera länken.
forbidden-heading = Börja från länken
forbidden-lead = Steget påbörjades inte på vår sida. Öppna länken igen från chatten.
too-many-heading = För många försök
too-many-lead = Vänta en stund och försök igen.
too-often-heading = Länken har öppnats för många gånger
too-often-lead = Be om en ny i chatten.
unavailable-heading = Vi är strax tillbaka
unavailable-lead = Inloggningen är inte tillgänglig just nu. Försök igen om en minut.
method-heading = Det kan sidan inte göra
method-lead = Öppna länken igen från chatten.
too-large-heading = Det var för mycket
too-large-lead = Begäran är större än vad vi tar emot. Öppna länken igen från chatten.

letter-subject = Din inloggningskod för { $tenant }
letter-lead = Skriv den här koden där du bad om den för att logga in hos { $tenant }.
letter-good = Den gäller i { $minutes } minuter och bara en gång.
letter-warning = Ingen hos { $tenant } kommer någonsin att fråga efter koden. Ge den inte till någon som ringer eller skriver till dig.
letter-unasked = Om du inte har bett om den behöver du inte göra något: utan koden kommer ingen in.

consent-heading = Logga in på { $app }
consent-lead = Logga in med ditt konto hos { $tenant }. { $app } handlar sedan för dig, med det som står här och inget annat.
consent-asks = { $app } får
consent-return = Sedan kommer du tillbaka till { $host }. Ditt lösenord syns aldrig där.
consent-provider = Fortsätt med { $provider }
consent-cancel = Avbryt
scope-openid = Veta vem du är
scope-profile = Se ditt namn och språk
scope-email = Se din e-postadress
scope-phone = Se ditt telefonnummer
scope-offline = Hålla dig inloggad
scope-read-profile = Se hela din profil och hur du loggar in
scope-write-profile = Ändra din profil och hur du loggar in
scope-other = Använda behörigheten { $scope }
app-unknown-heading = Inloggningen kan inte börja
app-unknown-lead = Appen som skickade dig hit är inte känd, eller vill ha svaret på en adress som inte är dess egen. Inget om dig har förts vidare. Gå tillbaka till appen och försök igen.
emailed-send = Skicka en kod
emailed-heading = Skriv in koden
emailed-lead = Om du kan logga in med { $address } är sex siffror på väg dit. De gäller i { $minutes } minuter.
emailed-code = Kod
emailed-no-address = Det är ingen e-postadress.
emailed-wrong = Det är inte koden. Försök kvar: { $left }
emailed-over = Koden gäller inte längre. Be om en ny.

preview = Logga in för att fortsätta din chatt
inapp-heading = Öppna den här sidan i din webbläsare
inapp-lead = { $provider } kan vägra inloggning inne i en app. Öppna den här sidan i telefonens egen webbläsare.
inapp-open = Öppna i webbläsaren
inapp-how = Eller välj ”Öppna i webbläsaren” i fönstrets meny, eller kopiera den här adressen till din webbläsare:
inapp-address = Sidans adress
inapp-anyway = Försök här ändå

card-window = öppnas i ett nytt fönster
card-opened = Fortsätt i det andra fönstret.
card-blocked = Din webbläsare lät inte fönstret öppnas.
card-page = Öppna inloggningssidan
card-code = Ett sista steg: skicka koden från inloggningssidan som ett meddelande i den här chatten.
card-done = Du är inloggad.
card-again = Det fungerade inte. Försök igen.
card-over = Den här inloggningen är över. Be om en ny i chatten.
