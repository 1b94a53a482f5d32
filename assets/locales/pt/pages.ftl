# O que os clientes leem.

channel-name = { $channel ->
    [webchat] Chat da web
    [email] E-mail
   *[other] { $label }
}

field-email = E-mail
field-name = Nome
field-phone = Número de telefone
field-user-name = Nome de usuário
field-user-id = Número de cliente
field-locale = Idioma
field-other = Outros dados da sua conta

until-minutes = { $minutes ->
    [one] { $clock } UTC, por mais { $minutes } minuto
   *[other] { $clock } UTC, por mais { $minutes } minutos
}
until-hours = { $hours ->
    [one] { $clock } UTC, por mais { $hours } hora
   *[other] { $clock } UTC, por mais { $hours } horas
}
until-days = { $date }, { $clock } UTC

landing-heading = Iniciar sessão em { $tenant }
landing-lead = Você recebeu este link em um chat. Ao iniciar sessão, você mostra a { $tenant } que é realmente você.
landing-facts = Sobre este início de sessão
landing-chat = Seu chat
landing-provider = Você iniciará sessão em
landing-shares = { $tenant } receberá
landing-shares-nothing = Apenas que você iniciou sessão
landing-expires = Este link vale até
landing-password = Digite sua senha somente em { $host }, nunca no chat.
landing-continue = Continuar
landing-unasked = Se você não pediu isto, feche esta página.
landing-decline = Não fui eu

decline-heading = Parar este início de sessão?
decline-lead = O link deixará de funcionar e { $tenant } saberá que você não o pediu.
decline-confirm = Sim, não fui eu
decline-back = Voltar
declined-heading = O início de sessão foi parado
declined-lead = O link não funciona mais e nada sobre você foi transmitido. Você pode fechar esta página.

completed-heading = Sessão iniciada
completed-lead = { $tenant } agora sabe que é você. Você pode continuar no chat e fechar esta página.
back-to-chat = Voltar ao chat
away-heading = Quase pronto
away-lead = Volte ao chat. Assim que o chat confirmar que foi você, { $tenant } vai saber.
away-failed-heading = Não foi possível iniciar sessão
away-failed-lead = Volte ao chat. Lá você pode iniciar sessão de novo ou pedir uma nova mensagem.

provisional-heading = Um último passo
provisional-lead = Envie este código no chat em que você o pediu. Digite-o somente lá.
provisional-code = Seu código
provisional-spelled = Um por um: { $letters }
provisional-until = O código vale até
provisional-warning = Quem enviar este código passará por você. Não o dê a ninguém que ligue ou escreva para você em outro lugar.

working-heading = Um momento, por favor
working-lead = Estamos concluindo seu início de sessão. Esta página se atualiza sozinha.

denied-heading = Você não iniciou sessão
denied-lead = Você recusou em { $provider }. Tudo bem: nada sobre você foi transmitido.
late-heading = Demorou demais
late-lead = Seu início de sessão em { $provider } não é mais válido. Tente mais uma vez.
busy-heading = { $provider } não está respondendo
busy-lead = A culpa não é sua. Aguarde alguns minutos e tente de novo.
setup-heading = O início de sessão não está funcionando
setup-lead = A culpa não é sua, e tentar de novo não vai ajudar. Informe a { $tenant }, no chat, a referência abaixo.
missing-heading = Falta um dado
missing-lead = Sua conta em { $provider } não tem um dado de que { $tenant } precisa. Informe no chat a referência abaixo.
unconfirmed-heading = O código expirou
unconfirmed-lead = Ele não foi enviado no chat a tempo. Você pode iniciar sessão de novo para receber outro.
spent-heading = Muitos códigos errados
spent-lead = Para sua segurança, este início de sessão foi parado. Você pode iniciar sessão de novo para receber outro código.
voided-heading = Você iniciou sessão de novo
voided-lead = Um início de sessão mais recente substituiu este. Use o código da página mais recente.
interrupted-heading = Seu início de sessão foi interrompido
interrupted-lead = Algo nos parou no meio do caminho. Tente mais uma vez.
ours-heading = Algo deu errado
ours-lead = A culpa é nossa, não sua. Tente de novo em alguns minutos.
nothing-shared = Nada sobre você foi transmitido.
try-again = Tentar de novo
reference = Referência

expired-heading = Este link expirou
expired-lead = Para sua segurança, os links de início de sessão duram pouco tempo. Peça um novo no chat.
cancelled-heading = Este link foi retirado
cancelled-lead = Ele não pode mais ser usado. Se ainda precisar, peça um novo no chat.
superseded-heading = Há um link mais recente
superseded-lead = Use a última mensagem de início de sessão no seu chat.
done-heading = Este link já foi usado
done-lead = O início de sessão está concluído. Você pode continuar no chat e fechar esta página.
unknown-heading = Esta página não existe
unknown-lead = Talvez falte uma parte do link. Abra-o de novo a partir do chat ou peça um novo.
neutral-heading = Este início de sessão não pode continuar
neutral-lead = Volte ao chat e abra o link de novo. Se não resolver, peça um novo.
wrong-host-heading = Não há nada aqui
wrong-host-lead = Nenhuma empresa atende neste endereço. Verifique o link.
forbidden-heading = Comece pelo link
forbidden-lead = Este passo não começou na nossa página. Abra o link de novo a partir do chat.
too-many-heading = Muitas tentativas
too-many-lead = Aguarde um momento e tente de novo.
too-often-heading = Este link foi aberto vezes demais
too-often-lead = Peça um novo no chat.
unavailable-heading = Voltamos já
unavailable-lead = O início de sessão não está disponível agora. Tente de novo em um minuto.
method-heading = Esta página não pode fazer isso
method-lead = Abra o link de novo a partir do chat.
too-large-heading = Isso foi demais
too-large-lead = O pedido é maior do que aceitamos. Abra o link de novo a partir do chat.

letter-subject = Seu código de acesso a { $tenant }
letter-lead = Digite este código onde você o pediu para iniciar sessão em { $tenant }.
letter-good = Ele vale por { $minutes } minutos e uma única vez.
letter-warning = Ninguém de { $tenant } vai pedir este código a você. Não o dê a ninguém que ligue ou escreva para você.
letter-unasked = Se você não o pediu, não faça nada: sem o código ninguém consegue entrar.

consent-heading = Entrar em { $app }
consent-lead = Entre com a sua conta em { $tenant }. { $app } passa então a agir por si, com o que está aqui e nada mais.
consent-asks = { $app } poderá
consent-return = Depois volta a { $host }. A sua palavra-passe nunca é vista lá.
consent-provider = Continuar com { $provider }
consent-cancel = Cancelar
scope-openid = Saber quem é
scope-profile = Ver o seu nome e idioma
scope-email = Ver o seu e-mail
scope-phone = Ver o seu número de telefone
scope-offline = Manter a sessão iniciada
scope-read-profile = Ver todo o seu perfil e como inicia sessão
scope-write-profile = Alterar o seu perfil e como inicia sessão
scope-other = Usar a permissão { $scope }
app-unknown-heading = Este início de sessão não pode começar
app-unknown-lead = A aplicação que o enviou aqui não é conhecida, ou quer a resposta num endereço que não é seu. Nada sobre si foi transmitido. Volte à aplicação e tente de novo.
emailed-send = Enviar-me um código
emailed-heading = Escreva o seu código
emailed-lead = Se puder entrar com { $address }, seis algarismos estão a caminho. Valem { $minutes } minutos.
emailed-code = Código
emailed-no-address = Isto não é um endereço de e-mail.
emailed-wrong = Não é esse o código. Tentativas restantes: { $left }
emailed-over = Este código já não vale. Peça um novo.

preview = Inicie sessão para continuar a conversa
inapp-heading = Abra esta página no seu navegador
inapp-lead = { $provider } pode recusar o início de sessão dentro de uma aplicação. Abra esta página no navegador do seu telefone.
inapp-open = Abrir no navegador
inapp-how = Ou escolha «Abrir no navegador» no menu desta janela, ou copie este endereço para o seu navegador:
inapp-address = Endereço desta página
inapp-anyway = Tentar aqui mesmo assim

card-window = abre numa nova janela
card-opened = Continue na outra janela.
card-blocked = O seu navegador impediu a abertura da janela.
card-page = Abrir a página de início de sessão
card-code = Um último passo: envie o código da página de início de sessão como mensagem nesta conversa.
card-done = Sessão iniciada.
card-again = Não resultou. Tente novamente.
card-over = Este início de sessão terminou. Peça um novo na conversa.
