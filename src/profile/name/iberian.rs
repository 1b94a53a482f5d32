//! Names of Spain, Portugal and the Americas: two family names, the father's and the mother's.

use std::sync::LazyLock;

use super::words::Table;

/// Family names of people who carry two of them.
pub(super) static FAMILY: LazyLock<Table> = LazyLock::new(|| {
    Table::of(
        "aguilar aguirre alonso alvarez alves araujo arias avila barbosa barros blanco borges bravo cabrera
        cajal calderon calvo campos cano cardenas cardoso carrasco carvalho castillo castro cervantes
        contreras cordero correa cortes costa crespo cruz cunha delgado dias diaz diez dominguez duarte duran
        escobar espinoza esteban fernandez fernandes ferreira ferrer figueroa flores fonseca franco freitas
        fuentes gallego garcia garrido gil gimenez gomes gomez gonzalez gonzales goncalves guerrero gutierrez
        guzman hernandez herrera herrero ibanez iglesias jimenez lima leon llosa lopes lopez lorenzo lozano
        machado marin marquez martinez martins medina mejia melo mendez mendoza mendes miranda molina monteiro
        montero mora morales moreno moreira moya munoz navarro nascimento nieto nogueira nunes nunez ochoa
        oliveira ordonez orozco ortega ortiz pacheco padilla paredes pascual pena peralta pereira perez pinto
        ponce prieto quintero quiroga ramirez ramos reyes ribeiro rios rivas rivera robles rocha rodrigues
        rodriguez rojas romero rosales rubio ruiz salas salazar salinas sanchez sandoval santana santiago
        santos sanz serrano silva soares solis soto sosa sousa souza suarez tavares teixeira toledo torres
        trujillo valdez valdes valencia valenzuela vargas vasconcelos vasquez vazquez vega velasco velasquez
        velazquez vera vicente vidal vieira villa villanueva villegas zamora zapata zuniga",
    )
});

/// Given names that tell that a name is one of these.
pub(super) static GIVEN: LazyLock<Table> = LazyLock::new(|| {
    Table::of(
        "adriana adriano agustin alberto alejandra alejandro alfonso alfredo alicia alvaro amparo ana andrea
        andres angela antonia antonio antoni armando arturo beatriz belen benito bernardo blanca camila camilo
        carla carlos carmen carolina catalina cecilia cesar claudia concepcion cristina cristobal daniela
        diego dolores duarte edson eduardo elena emilio enrique ernesto esperanza esteban eugenia eva fabian
        federico felipe fernanda fernando francisca francisco frida gabriel gabriela gerardo gonzalo graciela
        guadalupe guillermo gustavo hector hugo ignacio ines inmaculada isabel iñaki inaki jaime javier jesus
        joao joaquin jordi jorge jose josefa juan juana julia julian julio laura leonardo leonor lope lorena
        lorenzo lourdes lucia luis luisa luiz manuel manuela marcela marcelo marcos margarita maria mariana
        mariano mario marta mateo mauricio mercedes miguel monica montserrat natalia nicolas nuria octavio
        oscar pablo paola patricia paula paulo pedro penelope pilar rafael ramon raul rebeca ricardo roberto
        rocio rodrigo rosa rosario salvador santiago sebastian sergio sofia soledad susana teresa tomas
        valentina vanesa vicente victor victoria virginia xavier ximena",
    )
});

/// Given names that take a saint's name with its particle: `María del Carmen`.
pub(super) static MARIAS: LazyLock<Table> = LazyLock::new(|| Table::of("maria ma mª jose ana"));

/// Saints and mysteries that stand behind a `María` and her particle.
pub(super) static DEVOTIONS: LazyLock<Table> = LazyLock::new(|| {
    Table::of(
        "angeles asuncion carmen carmo concepcion conceicao consolacion consuelo dolores dores fatima gloria
        graca gracas guadalupe jesus lourdes luz mar mercedes milagros montserrat nazare nieves paz penha pilar
        remedios rosario rocio socorro soledad",
    )
});
