# Ce que la fenêtre dit d'elle-même. Les noms sont ceux de `en/window.ftl`.

## Everywhere
adjourn = Adjourn
title = { $what } – Adjourn
help = Aide
language = Langue
theme = Couleurs
theme-system = Comme sur cet ordinateur
theme-light = Claires
theme-dark = Sombres
caption-size = Taille des sous-titres
size-small = Petite
size-usual = Normale
size-large = Grande
size-largest = Très grande
help-kept = Ce qui est dit est conservé sur cet ordinateur jusqu'à son arrivée. Une connexion coupée un instant revient d'elle-même. Si l'ordinateur s'éteint, rouvrez vite votre lien et vous reprendrez où vous étiez.
help-organiser = Si quelque chose ne fonctionne pas, prévenez l'organisateur qui vous a envoyé le lien. Le numéro de votre reçu, à la fin, dit de quel entretien il s'agit.
help-host = Votre entretien est envoyé à { $host }.
help-keys = Touches
key-mute = Ctrl+M
key-escape = Échap
help-key-space = Parler tant qu'elle est maintenue, avec « appuyer pour parler »
key-space = Barre d'espace
help-key-mute = Couper ou activer le microphone
help-key-escape = Fermer une question ; rien ne se termine
about = Adjourn { $version }, logiciel libre sous licence Apache 2.0. Les licences de ses composants accompagnent le paquet.
problem-report = Signaler un problème
problem-report-holds = Voici tout ce que contiendrait le fichier : ce que la fenêtre a montré, des chiffres, le serveur de l'organisateur et le numéro de votre entretien. Aucun nom de personne, aucun code et rien de ce qui a été dit.
problem-report-save = Enregistrer le rapport
not-taken = Cela n'a pas été fait. Réessayez.

## Start
welcome = Bienvenue
paste-link = Collez le lien de votre invitation pour commencer.
interview-link = Lien de l'entretien
continue = Continuer
what-it-does = Avant d'entrer, vous pouvez vérifier votre microphone et votre haut-parleur.

## The host
is-this-your-organiser = Est-ce votre organisateur ?
new-server = Votre lien mène à un serveur que vous n'avez pas encore utilisé :
only-if-you-know-it = Continuez seulement si vous le connaissez par votre invitation. Votre voix et vos réponses y seront envoyées.
no-go-back = Non, revenir
yes-continue = Oui, continuer

## Device check
about-interview = À propos de cet entretien
invited-begun = Il a déjà commencé et reprend où il en était.
invited-by = { $organiser } vous invite à cet entretien.
invited-length = { $minutes ->
    [one] Il dure une minute au plus.
   *[other] Il dure { $minutes } minutes au plus.
}
invited-interviewer = C'est une voix automatique qui vous interroge : parlez-lui comme à une personne.
need-adjustment = J'ai besoin d'un aménagement
adjustment-contact = L'organisateur ne lira ce que vous écrivez ici qu'après l'entretien. Pour qu'il le sache à temps, dites-le-lui maintenant :
adjustment-no-contact = L'organisateur ne lira ce que vous écrivez ici qu'après l'entretien. Pour qu'il le sache à temps, répondez au message d'invitation.
adjustment-what = De quoi avez-vous besoin ?
adjustment-kept = Ce dont vous avez besoin est conservé sur cet ordinateur. Ce sera envoyé avec votre entretien.
adjustment-not-kept = Cet ordinateur ne peut pas le conserver. Ce sera envoyé si vous rejoignez l'entretien maintenant.
check-your-sound = Vérifiez votre son
check-your-sound-how = Dites quelques mots, et jouez le son d'essai. Vous pouvez entrer à tout moment.
check-open = Pas encore vérifié
check-good = Bien
check-warning = Pourrait être meilleur
check-bad = Ne fonctionne pas
microphone = Microphone
microphone-level = Niveau du microphone
loudspeaker = Haut-parleur ou casque
loudspeaker-level = Niveau du haut-parleur
record-sample = M'enregistrer 3 secondes
recording-sample = Enregistrement : parlez maintenant…
playing-sample = Lecture de ce que vous avez dit…
heard-it = Oui, je les ai entendues
heard-nothing = Non
connection = Chemin vers la salle d'entretien
try-connection-again = Essayer encore
play-test-sound = Jouer le son d'essai
not-connected = Celui que vous avez choisi (non branché)
sound = Son
sound-devices = Microphone et haut-parleur
unmute-in-system = Rétablir le son
unmute-microphone = Rétablir le microphone
unmute-loudspeaker = Rétablir le haut-parleur
in-use = Utilisé en ce moment : { $device }
done = Terminé
look-again = Rechercher à nouveau les appareils
other-link = Utiliser un autre lien
your-voice = Votre voix
push-to-talk = Appuyer pour parler : on ne m'entend que tant que je maintiens la barre d'espace
stage-echo = Retirer l'écho du haut-parleur
stage-noise = Baisser le bruit
stage-gain = Monter une voix faible
technical-details = Détails techniques
no-figures = Il n'y a pas de chiffres avant qu'un appareil soit ouvert.
verdict-open = en attente
verdict-good = bien
verdict-warning = moyen
verdict-bad = mauvais
join = Entrer dans l'entretien
join-waits = Veuillez attendre le personnel
join-ask-staff = Veuillez demander au personnel
try-again = Réessayer
system-default = Appareil par défaut du système
system-default-named = Appareil par défaut du système ({ $device })

## Waiting
nobody-comes-minutes = { $minutes ->
        [one] Si personne ne vient dans { $minutes } minute, ceci se termine de soi-même.
       *[other] Si personne ne vient dans { $minutes } minutes, ceci se termine de soi-même.
    }
nobody-comes-soon = Si personne ne vient dans une minute environ, ceci se termine de soi-même.
leave = Partir
answer-wait = Rester et attendre

## Interview
seconds-reconnecting = { $seconds ->
        [one] Si elle n'est pas revenue dans { $seconds } seconde, l'entretien se termine ici.
       *[other] Si elle n'est pas revenue dans { $seconds } secondes, l'entretien se termine ici.
    }
seconds-checking = { $seconds ->
        [one] Nous le saurons au plus tard dans { $seconds } seconde.
       *[other] Nous le saurons au plus tard dans { $seconds } secondes.
    }
seconds-gone = { $seconds ->
        [one] Si personne ne revient dans { $seconds } seconde, l'entretien se termine.
       *[other] Si personne ne revient dans { $seconds } secondes, l'entretien se termine.
    }
ends-unanswered = { $seconds ->
        [one] Sans réponse, l'entretien se termine dans { $seconds } seconde.
       *[other] Sans réponse, l'entretien se termine dans { $seconds } secondes.
    }
text-size = Taille du texte
switch-on = Activé · Ctrl+M
switch-off = Coupé · Ctrl+M
time-of = { $time } sur { $minutes } min
there-is-time = Il reste du temps
newest = Le plus récent ↓
less-than-a-minute = Moins d'une minute.
minutes-left = { $minutes ->
        [one] Encore une minute environ.
       *[other] Encore { $minutes } minutes environ.
    }
hold-this = Maintenir pour parler
end-interview = Terminer l'entretien
conversation = Conversation
you = Vous
interviewer = Intervieweur
nothing-said = Ce qui est dit s'affiche ici.
it-is-over = Il est terminé
type-instead = Écrire au lieu de parler
type-answer = Votre réponse
type-send = Envoyer
repeat-question = Répéter la question
repeat-words = Pourriez-vous répéter la question, s'il vous plaît ?

## Ending it
end-it-question = Terminer l'entretien ?
end-it-meaning = L'entretien sera terminé et ce qui a été dit sera envoyé. Vous ne pourrez pas y revenir.
go-on = Poursuivre l'entretien
end-it = Terminer

## Closing the window
close-unsafe-question = Fermer alors que votre entretien n'est pas encore en sécurité ?
close-unsafe-meaning = Ce que vous avez dit n'est ni arrivé chez l'organisateur ni enregistré sur cet ordinateur. Si vous fermez cette fenêtre maintenant, cela peut être perdu.
keep-open = Garder cette fenêtre ouverte
close-all-the-same = Fermer quand même
close-again = Fermer la fenêtre encore une fois signifie « { $answer } ».

## The end
wrapping-up = Finalisation…
being-saved = Votre entretien est terminé et en cours d'enregistrement.
saving = Enregistrement
receipt = Reçu
save-copy = Enregistrer une copie pour l'organisateur
save-receipt = Enregistrer le reçu
microphone-is-off = Coupé
noticed = Remarqué ici
how-we-know = Comment nous savons qu'il est terminé
what-becomes-of-it = Ce que devient votre entretien
sending = Envoi
fact-interview = Entretien
fact-ended = Fin
fact-length = Durée
close = Fermer
