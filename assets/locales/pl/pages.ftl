# To czytają klienci.

channel-name = { $channel ->
    [webchat] Czat internetowy
    [email] E-mail
   *[other] { $label }
}

field-email = Adres e-mail
field-name = Imię i nazwisko
field-phone = Numer telefonu
field-user-name = Nazwa użytkownika
field-user-id = Numer klienta
field-locale = Język
field-other = Inne dane z Twojego konta

until-minutes = { $minutes ->
    [one] { $clock } UTC, jeszcze minuta
    [few] { $clock } UTC, jeszcze { $minutes } minuty
   *[other] { $clock } UTC, jeszcze { $minutes } minut
}
until-hours = { $hours ->
    [one] { $clock } UTC, jeszcze godzina
    [few] { $clock } UTC, jeszcze { $hours } godziny
   *[other] { $clock } UTC, jeszcze { $hours } godzin
}
until-days = { $date }, { $clock } UTC

landing-heading = Logowanie do { $tenant }
landing-lead = Otrzymano ten link na czacie. Logując się, potwierdzasz wobec { $tenant }, że to naprawdę Ty.
landing-facts = O tym logowaniu
landing-chat = Twój czat
landing-provider = Miejsce logowania
landing-shares = { $tenant } otrzyma
landing-shares-nothing = Tylko informację o zalogowaniu
landing-expires = Link jest ważny do
landing-password = Wpisuj hasło tylko na { $host }, nigdy na czacie.
landing-continue = Dalej
landing-unasked = Jeśli to nie Twoja prośba, zamknij tę stronę.
landing-decline = To nie ja

decline-heading = Przerwać to logowanie?
decline-lead = Link przestanie działać, a { $tenant } dowie się, że to nie była Twoja prośba.
decline-confirm = Tak, to nie ja
decline-back = Wróć
declined-heading = Logowanie zostało przerwane
declined-lead = Link już nie działa i nie przekazano żadnych Twoich danych. Możesz zamknąć tę stronę.

completed-heading = Zalogowano
completed-lead = { $tenant } już wie, że to Ty. Możesz wrócić do czatu i zamknąć tę stronę.
back-to-chat = Wróć do czatu
away-heading = Jeszcze chwila
away-lead = Wróć do czatu. Gdy tylko czat potwierdzi, że to Ty, { $tenant } będzie o tym wiedzieć.
away-failed-heading = To logowanie się nie powiodło
away-failed-lead = Wróć do czatu. Tam możesz zalogować się ponownie albo poprosić o nową wiadomość.

provisional-heading = Ostatni krok
provisional-lead = Wyślij ten kod na czacie, z którego pochodzi prośba. Wpisz go tylko tam.
provisional-code = Twój kod
provisional-spelled = Po jednym znaku: { $letters }
provisional-until = Kod jest ważny do
provisional-warning = Kto wyśle ten kod, zostanie uznany za Ciebie. Nie podawaj go nikomu, kto dzwoni lub pisze do Ciebie gdzie indziej.

working-heading = Chwileczkę
working-lead = Kończymy logowanie. Ta strona odświeży się sama.

denied-heading = Nie zalogowano
denied-lead = Logowanie w { $provider } zostało odrzucone przez Ciebie. W porządku: nie przekazano żadnych Twoich danych.
late-heading = Trwało to zbyt długo
late-lead = Logowanie w { $provider } straciło ważność. Spróbuj jeszcze raz.
busy-heading = { $provider } nie odpowiada
busy-lead = To nie Twoja wina. Odczekaj kilka minut i spróbuj ponownie.
setup-heading = Logowanie nie działa
setup-lead = To nie Twoja wina, a ponowna próba nie pomoże. Zgłoś to na czacie firmie { $tenant }, podając numer poniżej.
missing-heading = Brakuje danych
missing-lead = Na Twoim koncie w { $provider } brakuje danych, których potrzebuje { $tenant }. Zgłoś to na czacie, podając numer poniżej.
unconfirmed-heading = Kod stracił ważność
unconfirmed-lead = Nie wysłano go na czacie na czas. Zaloguj się ponownie, aby otrzymać nowy.
spent-heading = Zbyt wiele błędnych kodów
spent-lead = Dla Twojego bezpieczeństwa logowanie przerwano. Zaloguj się ponownie, aby otrzymać nowy kod.
voided-heading = Nastąpiło nowe logowanie
voided-lead = Nowsze logowanie zastąpiło to. Użyj kodu z nowszej strony.
interrupted-heading = Logowanie zostało przerwane
interrupted-lead = Coś zatrzymało nas w połowie drogi. Spróbuj jeszcze raz.
ours-heading = Coś poszło nie tak
ours-lead = To nasza wina, nie Twoja. Spróbuj ponownie za kilka minut.
nothing-shared = Nie przekazano żadnych Twoich danych.
try-again = Spróbuj ponownie
reference = Numer zgłoszenia

expired-heading = Link wygasł
expired-lead = Dla Twojego bezpieczeństwa linki do logowania działają krótko. Poproś na czacie o nowy.
cancelled-heading = Link został wycofany
cancelled-lead = Nie można już z niego skorzystać. Jeśli nadal go potrzebujesz, poproś na czacie o nowy.
superseded-heading = Jest nowszy link
superseded-lead = Skorzystaj z ostatniej wiadomości z linkiem na czacie.
done-heading = Ten link został już użyty
done-lead = Logowanie jest zakończone. Możesz wrócić do czatu i zamknąć tę stronę.
unknown-heading = Ta strona nie istnieje
unknown-lead = Być może brakuje części linku. Otwórz go ponownie z czatu lub poproś o nowy.
neutral-heading = Nie można kontynuować tego logowania
neutral-lead = Wróć do czatu i otwórz link ponownie. Jeśli to nie pomoże, poproś o nowy.
wrong-host-heading = Nic tu nie ma
wrong-host-lead = Pod tym adresem nie ma żadnej firmy. Sprawdź link.
forbidden-heading = Zacznij od linku
forbidden-lead = Ten krok nie rozpoczął się na naszej stronie. Otwórz link ponownie z czatu.
too-many-heading = Zbyt wiele prób
too-many-lead = Odczekaj chwilę i spróbuj ponownie.
too-often-heading = Ten link otwarto zbyt wiele razy
too-often-lead = Poproś na czacie o nowy.
unavailable-heading = Zaraz wracamy
unavailable-lead = Logowanie jest teraz niedostępne. Spróbuj ponownie za minutę.
method-heading = Ta strona tego nie potrafi
method-lead = Otwórz link ponownie z czatu.
too-large-heading = To za dużo
too-large-lead = Żądanie jest większe, niż przyjmujemy. Otwórz link ponownie z czatu.

letter-subject = Twój kod logowania do { $tenant }
letter-lead = Wpisz ten kod tam, skąd pochodzi prośba, aby zalogować się do { $tenant }.
letter-good = Kod jest ważny przez { $minutes } minut i działa tylko raz.
letter-warning = Nikt z { $tenant } nigdy nie poprosi Cię o ten kod. Nie podawaj go nikomu, kto dzwoni lub pisze do Ciebie.
letter-unasked = Jeśli to nie Twoja prośba, nie musisz nic robić: bez kodu nikt się nie zaloguje.

consent-heading = Zaloguj się do { $app }
consent-lead = Zaloguj się kontem w { $tenant }. { $app } będzie działać w Twoim imieniu w zakresie podanym tutaj i żadnym innym.
consent-asks = { $app } może
consent-return = Potem wrócisz do { $host }. Twoje hasło nigdy nie jest tam widoczne.
consent-provider = Dalej przez { $provider }
consent-cancel = Anuluj
scope-openid = Wiedzieć, kim jesteś
scope-profile = Zobaczyć Twoje imię i nazwisko oraz język
scope-email = Zobaczyć Twój adres e-mail
scope-phone = Zobaczyć Twój numer telefonu
scope-offline = Pozostawić Cię zalogowanym
scope-read-profile = Zobaczyć cały Twój profil i sposoby logowania
scope-write-profile = Zmieniać Twój profil i sposoby logowania
scope-other = Korzystać z uprawnienia { $scope }
app-unknown-heading = Tego logowania nie można rozpocząć
app-unknown-lead = Aplikacja, która Cię tu skierowała, nie jest znana albo chce odpowiedzi pod obcym adresem. Nic o Tobie nie przekazano. Wróć do aplikacji i spróbuj ponownie.
emailed-send = Wyślij mi kod
emailed-heading = Wpisz kod
emailed-lead = Jeśli możesz zalogować się adresem { $address }, sześć cyfr jest w drodze. Są ważne { $minutes } min.
emailed-code = Kod
emailed-no-address = To nie jest adres e-mail.
emailed-wrong = To nie jest ten kod. Pozostałe próby: { $left }
emailed-over = Ten kod już nie działa. Poproś o nowy.

preview = Zaloguj się, aby kontynuować czat
inapp-heading = Otwórz tę stronę w przeglądarce
inapp-lead = { $provider } może odmówić logowania wewnątrz aplikacji. Otwórz tę stronę w przeglądarce telefonu.
inapp-open = Otwórz w przeglądarce
inapp-how = Możesz też wybrać „Otwórz w przeglądarce” w menu tego okna albo skopiować ten adres do przeglądarki:
inapp-address = Adres tej strony
inapp-anyway = Spróbuj mimo to tutaj

card-window = otwiera się w nowym oknie
card-opened = Kontynuuj w drugim oknie.
card-blocked = Przeglądarka zablokowała otwarcie okna.
card-page = Otwórz stronę logowania
card-code = Ostatni krok: wyślij kod ze strony logowania jako wiadomość w tym czacie.
card-done = Zalogowano.
card-again = Nie udało się. Spróbuj ponownie.
card-over = To logowanie dobiegło końca. Poproś o nowe na czacie.
