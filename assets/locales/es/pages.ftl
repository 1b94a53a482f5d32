# Lo que leen los clientes.

channel-name = { $channel ->
    [webchat] Chat web
    [email] Correo electrónico
   *[other] { $label }
}

field-email = Correo electrónico
field-name = Nombre
field-phone = Número de teléfono
field-user-name = Nombre de usuario
field-user-id = Número de cliente
field-locale = Idioma
field-other = Otros datos de su cuenta

until-minutes = { $minutes ->
    [one] { $clock } UTC, queda un minuto
   *[other] { $clock } UTC, quedan { $minutes } minutos
}
until-hours = { $hours ->
    [one] { $clock } UTC, queda una hora
   *[other] { $clock } UTC, quedan { $hours } horas
}
until-days = { $date }, { $clock } UTC

landing-heading = Iniciar sesión en { $tenant }
landing-lead = Recibió este enlace en un chat. Al iniciar sesión, demuestra a { $tenant } que es realmente usted.
landing-facts = Sobre este inicio de sesión
landing-chat = Su chat
landing-provider = Iniciará sesión en
landing-shares = { $tenant } recibirá
landing-shares-nothing = Solo que usted inició sesión
landing-expires = Este enlace es válido hasta
landing-password = Escriba su contraseña solo en { $host }, nunca en el chat.
landing-continue = Continuar
landing-unasked = Si no lo ha pedido, cierre esta página.
landing-decline = No fui yo

decline-heading = ¿Detener este inicio de sesión?
decline-lead = El enlace dejará de funcionar y { $tenant } sabrá que usted no lo pidió.
decline-confirm = Sí, no fui yo
decline-back = Volver
declined-heading = El inicio de sesión se detuvo
declined-lead = El enlace ya no funciona y no se ha comunicado nada sobre usted. Puede cerrar esta página.

completed-heading = Ha iniciado sesión
completed-lead = { $tenant } ya sabe que es usted. Puede seguir en el chat y cerrar esta página.
back-to-chat = Volver al chat
away-heading = Ya casi está
away-lead = Vuelva al chat. En cuanto el chat confirme que ha sido usted, { $tenant } lo sabrá.
away-failed-heading = No se ha podido iniciar sesión
away-failed-lead = Vuelva al chat. Allí puede iniciar sesión otra vez o pedir un mensaje nuevo.

provisional-heading = Un último paso
provisional-lead = Envíe este código en el chat donde lo pidió. Escríbalo solo allí.
provisional-code = Su código
provisional-spelled = Uno por uno: { $letters }
provisional-until = El código es válido hasta
provisional-warning = Quien envíe este código pasará por usted. No se lo dé a nadie que le llame o le escriba por otra vía.

working-heading = Un momento, por favor
working-lead = Se está completando su inicio de sesión. Esta página se actualiza sola.

denied-heading = No inició sesión
denied-lead = Usted lo rechazó en { $provider }. No pasa nada: no se ha comunicado nada sobre usted.
late-heading = Ha tardado demasiado
late-lead = Su inicio de sesión en { $provider } ya no es válido. Inténtelo otra vez.
busy-heading = { $provider } no responde
busy-lead = No es culpa suya. Espere unos minutos e inténtelo de nuevo.
setup-heading = El inicio de sesión no funciona
setup-lead = No es culpa suya, y volver a intentarlo no ayudará. Indique a { $tenant }, en el chat, la referencia de abajo.
missing-heading = Falta un dato
missing-lead = A su cuenta en { $provider } le falta un dato que { $tenant } necesita. Indique en el chat la referencia de abajo.
unconfirmed-heading = El código ha caducado
unconfirmed-lead = No se envió a tiempo en el chat. Puede iniciar sesión otra vez para recibir uno nuevo.
spent-heading = Demasiados códigos incorrectos
spent-lead = Por su seguridad, este inicio de sesión se detuvo. Puede iniciar sesión otra vez para recibir un código nuevo.
voided-heading = Inició sesión otra vez
voided-lead = Un inicio de sesión más reciente sustituyó a este. Use el código de la página más reciente.
interrupted-heading = Se interrumpió su inicio de sesión
interrupted-lead = Algo nos detuvo a mitad de camino. Inténtelo otra vez.
ours-heading = Algo ha fallado
ours-lead = La culpa es nuestra, no suya. Inténtelo de nuevo en unos minutos.
nothing-shared = No se ha comunicado nada sobre usted.
try-again = Intentarlo otra vez
reference = Referencia

expired-heading = Este enlace ha caducado
expired-lead = Por su seguridad, los enlaces de inicio de sesión duran poco tiempo. Pida uno nuevo en el chat.
cancelled-heading = Este enlace fue retirado
cancelled-lead = Ya no se puede usar. Si todavía lo necesita, pida uno nuevo en el chat.
superseded-heading = Hay un enlace más reciente
superseded-lead = Use el último mensaje de inicio de sesión de su chat.
done-heading = Este enlace ya se usó
done-lead = El inicio de sesión está completo. Puede seguir en el chat y cerrar esta página.
unknown-heading = Esta página no existe
unknown-lead = Quizá falte una parte del enlace. Ábralo otra vez desde el chat o pida uno nuevo.
neutral-heading = Este inicio de sesión no puede continuar
neutral-lead = Vuelva al chat y abra el enlace otra vez. Si no sirve, pida uno nuevo.
wrong-host-heading = Aquí no hay nada
wrong-host-lead = Ninguna empresa atiende en esta dirección. Compruebe el enlace.
forbidden-heading = Empiece por el enlace
forbidden-lead = Este paso no comenzó en nuestra página. Abra el enlace otra vez desde el chat.
too-many-heading = Demasiados intentos
too-many-lead = Espere un momento e inténtelo de nuevo.
too-often-heading = Este enlace se ha abierto demasiadas veces
too-often-lead = Pida uno nuevo en el chat.
unavailable-heading = Volvemos enseguida
unavailable-lead = El inicio de sesión no está disponible ahora mismo. Inténtelo de nuevo en un minuto.
method-heading = Esta página no puede hacer eso
method-lead = Abra el enlace otra vez desde el chat.
too-large-heading = Eso fue demasiado
too-large-lead = La solicitud es mayor de lo que aceptamos. Abra el enlace otra vez desde el chat.

letter-subject = Su código de acceso a { $tenant }
letter-lead = Escriba este código donde lo pidió para iniciar sesión en { $tenant }.
letter-good = Es válido durante { $minutes } minutos y una sola vez.
letter-warning = Nadie de { $tenant } le pedirá nunca este código. No se lo dé a nadie que le llame o le escriba.
letter-unasked = Si no lo ha pedido, no haga nada: sin el código nadie puede entrar.

consent-heading = Iniciar sesión en { $app }
consent-lead = Inicie sesión con su cuenta en { $tenant }. { $app } actuará entonces por usted, con lo que se indica aquí y nada más.
consent-asks = { $app } podrá
consent-return = Después volverá a { $host }. Nunca verá su contraseña.
consent-provider = Continuar con { $provider }
consent-cancel = Cancelar
scope-openid = Saber quién es usted
scope-profile = Ver su nombre y su idioma
scope-email = Ver su correo electrónico
scope-phone = Ver su número de teléfono
scope-offline = Mantener su sesión abierta
scope-read-profile = Ver todo su perfil y cómo inicia sesión
scope-write-profile = Cambiar su perfil y cómo inicia sesión
scope-other = Usar el permiso { $scope }
app-unknown-heading = Este inicio de sesión no puede empezar
app-unknown-lead = La aplicación que le envió aquí no es conocida o quiere la respuesta en una dirección que no es suya. No se ha transmitido nada sobre usted. Vuelva a la aplicación e inténtelo de nuevo.
emailed-send = Enviarme un código
emailed-heading = Escriba su código
emailed-lead = Si puede iniciar sesión con { $address }, seis cifras van de camino. Valen { $minutes } minutos.
emailed-code = Código
emailed-no-address = Esto no es un correo electrónico.
emailed-wrong = Ese no es el código. Intentos restantes: { $left }
emailed-over = Este código ya no vale. Pida uno nuevo.

preview = Inicia sesión para continuar tu chat
inapp-heading = Abre esta página en tu navegador
inapp-lead = { $provider } puede rechazar el inicio de sesión dentro de una aplicación. Abre esta página en el navegador de tu teléfono.
inapp-open = Abrir en el navegador
inapp-how = O elige «Abrir en el navegador» en el menú de esta ventana, o copia esta dirección en tu navegador:
inapp-address = Dirección de esta página
inapp-anyway = Intentarlo aquí de todos modos

card-window = se abre en una ventana nueva
card-opened = Continúa en la otra ventana.
card-blocked = Tu navegador ha impedido que se abra la ventana.
card-page = Abrir la página de inicio de sesión
card-code = Un último paso: envía el código de la página de inicio de sesión como mensaje en este chat.
card-done = Has iniciado sesión.
card-again = No ha funcionado. Inténtalo de nuevo.
card-over = Este inicio de sesión ha terminado. Pide uno nuevo en el chat.
