# Ce que lisent les clients.

channel-name = { $channel ->
    [webchat] Chat en ligne
    [email] E-mail
   *[other] { $label }
}

field-email = Adresse e-mail
field-name = Nom
field-phone = Numéro de téléphone
field-user-name = Nom d’utilisateur
field-user-id = Numéro de client
field-locale = Langue
field-other = D’autres informations de votre compte

until-minutes = { $minutes ->
    [one] { $clock } UTC, encore { $minutes } minute
   *[other] { $clock } UTC, encore { $minutes } minutes
}
until-hours = { $hours ->
    [one] { $clock } UTC, encore { $hours } heure
   *[other] { $clock } UTC, encore { $hours } heures
}
until-days = { $date }, { $clock } UTC

landing-heading = Se connecter à { $tenant }
landing-lead = Vous avez reçu ce lien dans une conversation. En vous connectant, vous montrez à { $tenant } qu’il s’agit bien de vous.
landing-facts = À propos de cette connexion
landing-chat = Votre conversation
landing-provider = Vous vous connecterez chez
landing-shares = { $tenant } recevra
landing-shares-nothing = Seulement que vous vous êtes connecté(e)
landing-expires = Ce lien est valable jusqu’à
landing-password = Saisissez votre mot de passe uniquement sur { $host }, jamais dans la conversation.
landing-continue = Continuer
landing-unasked = Si vous n’avez rien demandé, fermez cette page.
landing-decline = Ce n’était pas moi

decline-heading = Arrêter cette connexion ?
decline-lead = Le lien ne fonctionnera plus, et { $tenant } saura que vous ne l’avez pas demandé.
decline-confirm = Oui, ce n’était pas moi
decline-back = Revenir
declined-heading = Cette connexion a été arrêtée
declined-lead = Le lien ne fonctionne plus et rien à votre sujet n’a été transmis. Vous pouvez fermer cette page.

completed-heading = Vous êtes connecté(e)
completed-lead = { $tenant } sait maintenant que c’est bien vous. Vous pouvez poursuivre la conversation et fermer cette page.
back-to-chat = Revenir à la conversation
away-heading = C’est presque terminé
away-lead = Revenez à la conversation. Dès qu’elle confirme qu’il s’agit bien de vous, { $tenant } le saura.
away-failed-heading = Cette connexion n’a pas abouti
away-failed-lead = Revenez à la conversation. Vous pouvez vous y connecter à nouveau ou demander un autre message.

provisional-heading = Une dernière étape
provisional-lead = Envoyez ce code dans la conversation où vous l’avez demandé. Ne le saisissez nulle part ailleurs.
provisional-code = Votre code
provisional-spelled = Caractère par caractère : { $letters }
provisional-until = Le code est valable jusqu’à
provisional-warning = La personne qui envoie ce code sera prise pour vous. Ne le donnez à personne qui vous appelle ou vous écrit ailleurs.

working-heading = Un instant, s’il vous plaît
working-lead = Votre connexion se termine. Cette page s’actualise toute seule.

denied-heading = Vous ne vous êtes pas connecté(e)
denied-lead = Vous avez refusé chez { $provider }. C’est votre droit : rien à votre sujet n’a été transmis.
late-heading = Cela a pris trop de temps
late-lead = Votre connexion chez { $provider } n’est plus valable. Veuillez réessayer.
busy-heading = { $provider } ne répond pas
busy-lead = Ce n’est pas de votre faute. Patientez quelques minutes, puis réessayez.
setup-heading = La connexion est en panne
setup-lead = Ce n’est pas de votre faute et réessayer ne changera rien. Indiquez à { $tenant }, dans la conversation, la référence ci-dessous.
missing-heading = Il manque une information
missing-lead = Il manque à votre compte chez { $provider } une information dont { $tenant } a besoin. Indiquez dans la conversation la référence ci-dessous.
unconfirmed-heading = Le code n’est plus valable
unconfirmed-lead = Il n’a pas été envoyé à temps dans la conversation. Connectez-vous à nouveau pour en recevoir un autre.
spent-heading = Trop de codes erronés
spent-lead = Pour votre sécurité, cette connexion a été arrêtée. Connectez-vous à nouveau pour recevoir un autre code.
voided-heading = Vous vous êtes connecté(e) à nouveau
voided-lead = Une connexion plus récente a remplacé celle-ci. Utilisez le code de la page la plus récente.
interrupted-heading = Votre connexion a été interrompue
interrupted-lead = Quelque chose nous a arrêtés en chemin. Veuillez réessayer.
ours-heading = Un problème est survenu
ours-lead = C’est de notre faute, pas de la vôtre. Réessayez dans quelques minutes.
nothing-shared = Rien à votre sujet n’a été transmis.
try-again = Réessayer
reference = Référence

expired-heading = Ce lien a expiré
expired-lead = Pour votre sécurité, les liens de connexion ne durent pas longtemps. Demandez-en un autre dans la conversation.
cancelled-heading = Ce lien a été retiré
cancelled-lead = Il ne peut plus servir. Si vous en avez encore besoin, demandez-en un autre dans la conversation.
superseded-heading = Il existe un lien plus récent
superseded-lead = Utilisez le dernier message de connexion de votre conversation.
done-heading = Ce lien a déjà servi
done-lead = La connexion est terminée. Vous pouvez poursuivre la conversation et fermer cette page.
unknown-heading = Cette page n’existe pas
unknown-lead = Il manque peut-être une partie du lien. Ouvrez-le à nouveau depuis la conversation, ou demandez-en un autre.
neutral-heading = Cette connexion ne peut pas continuer
neutral-lead = Revenez à la conversation et ouvrez à nouveau le lien. Si cela ne suffit pas, demandez-en un autre.
wrong-host-heading = Il n’y a rien ici
wrong-host-lead = Aucune entreprise ne se trouve à cette adresse. Vérifiez le lien.
forbidden-heading = Commencez par le lien
forbidden-lead = Cette étape n’a pas commencé sur notre page. Ouvrez à nouveau le lien depuis la conversation.
too-many-heading = Trop de tentatives
too-many-lead = Patientez un moment, puis réessayez.
too-often-heading = Ce lien a été ouvert trop souvent
too-often-lead = Demandez-en un autre dans la conversation.
unavailable-heading = Nous revenons tout de suite
unavailable-lead = La connexion n’est pas disponible pour l’instant. Réessayez dans une minute.
method-heading = Cette page ne peut pas faire cela
method-lead = Ouvrez à nouveau le lien depuis la conversation.
too-large-heading = C’était trop
too-large-lead = La demande dépasse la taille que nous acceptons. Ouvrez à nouveau le lien depuis la conversation.

letter-subject = Votre code de connexion pour { $tenant }
letter-lead = Saisissez ce code là où vous l’avez demandé pour vous connecter à { $tenant }.
letter-good = Il est valable { $minutes } minutes et une seule fois.
letter-warning = Personne chez { $tenant } ne vous demandera jamais ce code. Ne le donnez à personne qui vous appelle ou vous écrit.
letter-unasked = Si vous n’avez rien demandé, ne faites rien : sans le code, personne ne peut entrer.

consent-heading = Se connecter à { $app }
consent-lead = Connectez-vous avec votre compte chez { $tenant }. { $app } agit ensuite pour vous, avec ce qui est indiqué ici et rien d’autre.
consent-asks = { $app } pourra
consent-return = Vous reviendrez ensuite sur { $host }. Votre mot de passe n’y est jamais vu.
consent-provider = Continuer avec { $provider }
consent-cancel = Annuler
scope-openid = Savoir qui vous êtes
scope-profile = Voir votre nom et votre langue
scope-email = Voir votre adresse e-mail
scope-phone = Voir votre numéro de téléphone
scope-offline = Vous garder connecté
scope-read-profile = Voir tout votre profil et vos moyens de connexion
scope-write-profile = Modifier votre profil et vos moyens de connexion
scope-other = Utiliser l’autorisation { $scope }
app-unknown-heading = Cette connexion ne peut pas commencer
app-unknown-lead = L’application qui vous a envoyé ici n’est pas connue, ou demande la réponse à une adresse qui n’est pas la sienne. Rien n’a été transmis à votre sujet. Retournez à l’application et réessayez.
emailed-send = M’envoyer un code
emailed-heading = Saisissez votre code
emailed-lead = Si vous pouvez vous connecter avec { $address }, six chiffres y sont en route. Ils sont valables { $minutes } minutes.
emailed-code = Code
emailed-no-address = Ceci n’est pas une adresse e-mail.
emailed-wrong = Ce n’est pas le bon code. Essais restants : { $left }
emailed-over = Ce code n’est plus valable. Demandez-en un nouveau.

preview = Connectez-vous pour poursuivre votre conversation
inapp-heading = Ouvrez cette page dans votre navigateur
inapp-lead = { $provider } peut refuser la connexion à l’intérieur d’une application. Ouvrez cette page dans le navigateur de votre téléphone.
inapp-open = Ouvrir dans le navigateur
inapp-how = Ou choisissez « Ouvrir dans le navigateur » dans le menu de cette fenêtre, ou copiez cette adresse dans votre navigateur :
inapp-address = Adresse de cette page
inapp-anyway = Essayer ici quand même

card-window = s’ouvre dans une nouvelle fenêtre
card-opened = Continuez dans l’autre fenêtre.
card-blocked = Votre navigateur a empêché l’ouverture de la fenêtre.
card-page = Ouvrir la page de connexion
card-code = Dernière étape : envoyez le code de la page de connexion dans cette conversation.
card-done = Vous êtes connecté.
card-again = Cela n’a pas fonctionné. Veuillez réessayer.
card-over = Cette connexion est terminée. Demandez-en une nouvelle dans la conversation.
